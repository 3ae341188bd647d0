"""Laws that prescribe one value or one velocity, recognised by what they say of known fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from dgm_core.calculus import TIME, Derivatives, Field, derivatives
from dgm_core.calculus.precision import precision
from dgm_core.errors import ConfigurationError
from dgm_core.formulation.conditions import Condition, Dirichlet, Holds, InitialVelocity
from dgm_core.formulation.domains import Domain
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.formulation.regions import Axis, Region
from dgm_core.formulation.scales import irregular, wave

_POINTS = 16
_ROUNDING = 1e-9


class OnDomain(Protocol):
    """What is read of a problem."""

    outputs: ClassVar[tuple[str, ...]]

    @property
    def domain(self) -> Domain: ...
    @property
    def inputs(self) -> tuple[Axis, ...]: ...


class _Nothing(Derivatives):
    """The field that is zero, at points that may be differentiated through."""

    def __init__(self, x: Tensor, outputs: Sequence[str], axes: Sequence[str]) -> None:
        self.x = x
        self.axes, self.outputs = tuple(axes), tuple(outputs)
        self.value = torch.cat([0.0 * x[..., :1]] * len(outputs), dim=-1)

    def partial(self, output: int, path: tuple[int, ...]) -> Tensor:
        return 0.0 * self.x[..., :1]

    def along(self, directions: Tensor, order: int, output: int) -> Tensor:
        raise ConfigurationError("a directional derivative is neither a value nor a velocity.")


def as_prescription(problem: OnDomain, region: Region, held: Holds) -> Condition:
    """A law a (u − g(x)) as `Dirichlet` and a (∂u/∂t − g(x)) as `InitialVelocity`, of one output and with a
    constant a; any other law as it is.

    What is recognised may then be satisfied by construction (see `hard_form`).
    """
    if len(problem.outputs) > 8:
        return held  # many outputs: a law for each is worth no search
    axes = tuple(axis.name for axis in problem.inputs)
    with precision(torch.float64), torch.enable_grad():
        x = sobol_points(region, _POINTS)[None]
        try:
            zero = held.law(_Nothing(x, problem.outputs, axes))
            fields = [_field(problem, frequency, phase) for frequency, phase in ((1.9, 1.3), (3.1, 0.4))]
            seen = [derivatives(field, x, axes) for field in fields]
            for y in seen:
                y.outputs = problem.outputs
            gaps = [held.law(y) - zero for y in seen]
        except Exception:
            return held
        if zero.shape != (*x.shape[:-1], 1):
            return held
        for output in range(len(problem.outputs)):
            for kind, path in ((Dirichlet, ()), (InitialVelocity, (TIME,))):
                if path and TIME not in axes:
                    continue
                factor = _factor(gaps, [y.d(*path, output=output) for y in seen])
                if factor is not None:
                    return kind(_Data(held, factor, problem.outputs, axes), output)
    return held


class _Data:
    """g of a law a (u − g), (K, n, d) -> (K, n, 1)."""

    def __init__(self, held: Holds, factor: float, outputs: Sequence[str], axes: Sequence[str]) -> None:
        self._held, self._factor, self._outputs, self._axes = held, factor, outputs, axes

    def __call__(self, x: Tensor) -> Tensor:
        return self._held.law(_Nothing(x, self._outputs, self._axes)) * (-1.0 / self._factor)


def _factor(gaps: Sequence[Tensor], quantities: Sequence[Tensor]) -> float | None:
    """The number by which a quantity moves a law, the same at all points for all fields; else None."""
    ratios = torch.cat(
        [(gap / quantity).detach().flatten() for gap, quantity in zip(gaps, quantities, strict=True)]
    )
    factor = ratios.median()
    if not ratios.isfinite().all() or factor == 0.0:
        return None
    return float(factor) if ((ratios - factor).abs() <= _ROUNDING * factor.abs()).all() else None


def _field(problem: OnDomain, frequency: float, phase: float) -> Field:
    """Each output a wave and a parabola: no value and no derivative is a multiple of another."""
    axes = problem.inputs
    waves = [wave(axes, frequency + 0.3 * i, phase + 0.7 * i) for i in range(len(problem.outputs))]
    lower = torch.tensor([axis.lower for axis in axes], dtype=torch.float64)
    span = torch.tensor([axis.upper - axis.lower for axis in axes], dtype=torch.float64)
    weights = 0.4 + irregular(len(axes))

    def field(x: Tensor) -> Tensor:
        bent = (weights * ((x - lower) / span + 0.3).square()).sum(dim=-1, keepdim=True)
        return torch.cat([part(x) + (1.0 + 0.5 * i) * bent for i, part in enumerate(waves)], dim=-1)

    return field
