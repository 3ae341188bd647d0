"""The method of Gauss and Newton, as Levenberg and Marquardt damp it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from dgm_core.training.optimizers.base import Linearised, Minimiser
from dgm_core.training.rows import add_gram

_EASE, _TIGHTEN = 0.25, 5.0
"""Factors on the damping after a step that lowers the value, and after one that does not."""
_LEAST, _GREATEST = 1e-15, 1e15
"""Of the damping."""
_FACTORISATIONS = 40
"""Attempts at one Cholesky factorisation, each with ten times the damping."""


class GaussNewton(Minimiser):
    """Minimises a sum of squares r·r by solving (JᵀJ + λ) d = Jᵀ r, each replicate with a damping λ of its
    own.

    With fewer residuals than parameters it solves the smaller d = Jᵀ (J Jᵀ + λ)⁻¹ r, which is the same.  θ −
    d is taken where that lowers the value, and λ eased; else λ grows, and the same system is solved
    again.  λ grows, too, while the Cholesky factorisation fails.

    A replicate is finished after as many steps or evaluations as are allowed; where the next step promises
    less than the value's last digit; and where λ cannot grow any more.  One whose Jacobian is not finite, or
    whose factorisation fails whatever λ, is lost: its value becomes NaN.

    It is also the energy natural gradient (Müller and Zeinhofer 2023), damped instead of searched along a
    line.  That method's metric is the second derivative of an energy in the space of functions, pulled back
    to the parameters.  For squared residuals of a linear equation this is JᵀJ; for a nonlinear one JᵀJ leaves
    out the operator's second derivative, which vanishes with the residual.  With `formulation` "energy" the
    rows of J are those of the energy's quadratic part, so that JᵀJ is the Gramian of its inner product: ∫
    ∇∂ᵢu·∇∂ⱼu for −Δu = f, and a term of the boundary where that is not hard.

    Source: Levenberg (1944); Marquardt (1963); Nocedal and Wright (2006), section 10.3.
    """

    name = "gauss-newton"
    defaults: ClassVar[Mapping[str, float]] = {"damping": 1e-6}
    least_squares = True
    remembers = False
    gradients = 20.0  # small operations that no replay joins: rows, factor, trial

    @classmethod
    def products(cls, points: int, parameters: int) -> float:
        """Those of the smaller of the two systems."""
        return float(points) * parameters * min(points, parameters)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._damping = [self.options["damping"]] * len(self.parameters)
        self._system: System | None = None
        system = self._solvable()
        self._begin(system.values, system.finite)

    def advance(self) -> None:
        system = self._solvable()
        steps, promised, failed = system.solved(self._damping, self.finished, self._centre())
        for k in failed:
            self._lose(k, "the Cholesky factorisation failed whatever the damping")
        active = [k for k, finished in enumerate(self.finished) if not finished]
        digit = torch.finfo(steps.dtype).eps
        for k in active:
            self.finished[k] = promised[k] <= digit * abs(self.values[k])
        trial, values = self.parameters, self.values
        if not self.done:
            trial, values = self._tried(system, steps, active)
        self.moved = []
        for k in active:
            self.evaluations[k] += 1
            if values[k] < self.values[k] and not self.finished[k]:
                self.values[k] = values[k]
                self.iterations[k] += 1
                self.parameters[k] = trial[k]
                self._damping[k] = max(_LEAST, _EASE * self._damping[k])
                self.moved.append(k)
            else:
                self._damping[k] *= _TIGHTEN
                self.finished[k] = self.finished[k] or self._damping[k] > _GREATEST
            self._end(k)
        self._stepped(steps, self.moved)
        if self.moved:
            self._system = None

    def renew(self) -> None:
        self._system = None
        system = self._solvable()
        lost = torch.tensor([reason is not None for reason in self.reasons], device=system.finite.device)
        self._begin(system.values, system.finite & ~lost)
        self.moved = [k for k, finished in enumerate(self.finished) if not finished]

    def state(self) -> dict[str, Any]:
        # The system is that at the parameters, and is made again.
        return self._common_state() | {"damping": list(self._damping)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._restore_common(state)
        self._damping = list(state["damping"])
        self._system = None

    def _centre(self) -> Tensor | None:
        """The step (K, P) from which the damping counts; None is zero."""
        return None

    def _tried(self, system: System, steps: Tensor, active: list[int]) -> tuple[Tensor, list[float]]:
        """Where the steps (K, P) of the replicates that are not finished lead, (K, P), and the values
        there."""
        trial = self.parameters - steps
        return trial, self.objective.value(trial).tolist()

    def _stepped(self, steps: Tensor, moved: list[int]) -> None:
        """Looks at the steps (K, P) that were tried, and at the replicates that took theirs."""

    def _solvable(self) -> System:
        if self._system is None:
            self._system = System(self.objective.linearised(self.parameters))
        return self._system

    def _lose(self, k: int, reason: str) -> None:
        self.values[k] = math.nan
        self.finished[k] = True
        self.reasons[k] = reason


class System:
    """The damped least squares at some parameters, in the smaller of its two forms.

    function: whether the value is another function than the sum of the squared residuals.
    """

    def __init__(self, linearised: Linearised) -> None:
        self.residuals: Tensor = linearised.residuals
        self._linearised = linearised
        self._factors: dict[int, Tensor] = {}
        function = linearised.function
        self.function = function is not None
        self.values = self.residuals.square().sum(dim=1) if function is None else function[0]
        # The gradient of another function need not lie in the span of the rows.
        self._tall = function is not None or self.residuals.shape[1] >= linearised.parameters
        if self._tall:
            self._square, self._gradient = linearised.normal()
            if function is not None:
                self._gradient = function[1]
        else:
            self._jacobian: Tensor = linearised.whole()
            count = self._jacobian.shape[1]
            self._square = self._jacobian.new_zeros(len(self._jacobian), count, count)
            add_gram(self._square, self._jacobian.mT)
            self._gradient = torch.bmm(self._jacobian.mT, self.residuals.unsqueeze(2))[:, :, 0]
        # Where the diagonal of a Gramian is finite, all of it is.
        diagonal = self._square.diagonal(dim1=1, dim2=2)
        self.finite = torch.isfinite(diagonal).all(dim=1) & torch.isfinite(self._gradient).all(dim=1)

    def solved(
        self, damping: list[float], finished: list[bool], centre: Tensor | None
    ) -> tuple[Tensor, list[float], list[int]]:
        """Steps d (K, P), by how much each lowers the linearised value, and whose factorisation
        failed.

        It raises the damping of those for which it must; finished ones get no step.
        """
        steps, failed = torch.zeros_like(self._gradient), []
        self._factors = {}
        # One by one: a matrix that has just been factorised is still in the processor's cache.
        for k in (k for k, done in enumerate(finished) if not done):
            factor = self._factorised(k, damping)
            if factor is None:
                failed.append(k)
            else:
                self._factors[k] = factor
                steps[k] = self._step(k, factor, damping[k], None if centre is None else centre[k])
        lam = self._gradient.new_tensor(damping)[:, None]
        # |r|² − |r − J d|² = 2 dᵀJᵀr − dᵀJᵀJ d, where JᵀJ d = Jᵀr + λ (c − d) with the centre c.
        away = steps if centre is None else steps - centre
        promised = torch.linalg.vecdot(steps, self._gradient + lam * away)
        return steps, promised.tolist(), failed

    def pulled(self, values: Tensor, chosen: list[int]) -> Tensor:
        """(JᵀJ + λ)⁻¹ Jᵀ c of values c (K, N), with the factors of the last steps: (K, P), zero but for the
        replicates chosen that have one."""
        found = torch.zeros_like(self._gradient)
        pulled = self._linearised.pulled(values) if self._tall else values
        for k in (k for k in chosen if k in self._factors):
            solved = torch.cholesky_solve(pulled[k].unsqueeze(1), self._factors[k])[:, 0]
            found[k] = solved if self._tall else torch.mv(self._jacobian[k].mT, solved)
        return found

    def _factorised(self, k: int, damping: list[float]) -> Tensor | None:
        """The Cholesky factor (n, n) of replicate k; None where there is none."""
        for _ in range(_FACTORISATIONS):
            square = self._square[k].clone()
            square.diagonal().add_(damping[k])
            factor, info = torch.linalg.cholesky_ex(square)
            if not info.item():
                return factor
            damping[k] *= 10.0
        return None

    def _step(self, k: int, factor: Tensor, damping: float, centre: Tensor | None) -> Tensor:
        """d (P,) of replicate k."""
        if self._tall:
            right = self._gradient[k] if centre is None else self._gradient[k] + damping * centre
            return torch.cholesky_solve(right.unsqueeze(1), factor)[:, 0]
        jacobian, right = self._jacobian[k], self.residuals[k]
        if centre is not None:
            right = right - torch.mv(jacobian, centre)
        step = torch.mv(jacobian.mT, torch.cholesky_solve(right.unsqueeze(1), factor)[:, 0])
        return step if centre is None else step + centre
