"""Quasi-Newton methods for many functions at once, which one evaluation serves."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from dgm_core.training.optimizers.base import Minimiser
from dgm_core.training.optimizers.line_search import NOISE, LineSearch, Verdict


class Curvature(Protocol):
    """An inverse Hessian H of each of K functions, from the steps and the gradients that it was told."""

    counts: list[int]
    """Pairs of a step and a change that each replicate has added since it last forgot them."""

    def forget(self, k: int) -> None:
        """Makes H of replicate k the identity again."""

    def update(self, steps: Tensor, changes: Tensor, gradients: Tensor, chosen: list[int]) -> Tensor:
        """Adds the pairs of the chosen replicates and gives H g with them, all (K, P)."""

    def state(self) -> dict[str, Any]:
        """A copy that `restore` reads."""

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from `state`, in an object that is new."""


class QuasiNewton(Minimiser):
    """Minimises K functions of P variables along −H g, by line searches of each replicate's own.

    `trial` (K, P) is where the functions are wanted next.  Every replicate is at a point of its own in its
    own line search, so that none waits for another; a finished one is asked for at its `parameters` again,
    and what it gives is ignored.  A value rises by no more than rounding.

    A replicate is finished

    - after `iterations` steps or `evaluations` of its function;
    - where the next step promises less than the value's last digit;
    - where a line search fails along the steepest descent, or a second time without a lower value.
      Any other failure forgets the curvature and goes on along the steepest descent, as L-BFGS-B does;
    - at its start where its value or its gradient there is not finite: then its value is NaN.

    Source: Nocedal and Wright (2006), chapters 3 and 6.
    """

    gradients = 5.0  # in float64, and more than one for a line search

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        start, replicates = self.parameters, len(self.parameters)
        values, gradients = self.objective.differentiated(start)
        finite = torch.isfinite(values) & torch.isfinite(gradients).all(dim=1)
        self._begin(values, finite)
        self._failures = [math.inf] * replicates
        """Values at which a line search last failed."""
        self._gradients = torch.where(finite[:, None], gradients, 0.0)
        self._directions = torch.zeros_like(start)
        self._curvature = self.curvature(start)
        self._searches = [LineSearch.begin(0.0, 0.0, 0.0)] * replicates
        for k in range(replicates):
            if not self.finished[k]:
                self._descend(k)
        self.trial = self._next()

    @abstractmethod
    def curvature(self, like: Tensor) -> Curvature:
        """The method's inverse Hessian, as yet the identity; like: (K, P), for its shape, dtype and
        device."""

    def first_trial(self, gain: float, slope: float) -> float:
        """The first length along a direction of this slope, where the last step lowered the function by
        `gain`, more than rounding can."""
        return 1.0

    def advance(self) -> None:
        self._tell(*self.objective.differentiated(self.trial))

    def renew(self) -> None:
        values, gradients = self.objective.differentiated(self.parameters)
        finite = torch.isfinite(values) & torch.isfinite(gradients).all(dim=1)
        lost = [reason is not None for reason in self.reasons]
        self._begin(values, finite & ~torch.tensor(lost, device=values.device))
        self._failures = [math.inf] * len(lost)
        self._gradients = torch.where(finite[:, None], gradients, 0.0)
        self._directions = self._curvature.update(gradients, gradients, self._gradients, []).neg_()
        for k, finished in enumerate(self.finished):
            if not finished:
                self._search(k, float(self._directions[k] @ self._gradients[k]))
        self.moved = [k for k, finished in enumerate(self.finished) if not finished]
        self.trial = self._next()

    def _tell(self, values: Tensor, gradients: Tensor) -> None:
        """Takes the functions' values (K,) and gradients (K, P) at `trial`, and chooses the next one."""
        slopes = torch.linalg.vecdot(gradients, self._directions)
        pairs = torch.stack([values, slopes], dim=1).tolist()
        active = [k for k, finished in enumerate(self.finished) if not finished]
        accepted, failed = [], []
        for k in active:
            value, slope = pairs[k]
            self.evaluations[k] += 1
            verdict = self._searches[k].tell(value, slope)
            if verdict is Verdict.ACCEPT:
                self.values[k] = value
                self.iterations[k] += 1
                accepted.append(k)
            elif verdict is Verdict.FAIL:
                failed.append(k)
        self.moved = accepted
        self._accept(accepted, gradients)
        for k in failed:
            self._restart(k)
        for k in active:
            self._end(k)
        self.trial = self._next()

    def _accept(self, chosen: list[int], gradients: Tensor) -> None:
        """Moves the chosen replicates to their trials and turns them into their next directions."""
        if not chosen:
            return
        steps, changes = self.trial - self.parameters, gradients - self._gradients
        self.parameters = _replaced(self.parameters, self.trial, chosen)
        self._gradients = _replaced(self._gradients, gradients, chosen)
        directions = self._curvature.update(steps, changes, self._gradients, chosen).neg_()
        self._directions = _replaced(self._directions, directions, chosen)
        slopes = torch.linalg.vecdot(directions, self._gradients).tolist()
        for k in chosen:
            self._search(k, slopes[k], self._searches[k].origin.value - self.values[k])

    def _search(self, k: int, slope: float, gain: float = 0.0) -> None:
        """Begins a line search of replicate k along its direction, of the given slope.

        gain: by how much the last step lowered the function.
        """
        # No descent: by rounding, where the curvature is no longer that of the function.
        if not self._curvature.counts[k] or not slope < 0.0:
            self._descend(k)
            return
        known = gain > NOISE * abs(self.values[k])
        step = self.first_trial(gain, slope) if known else 1.0
        self._searches[k] = LineSearch.begin(self.values[k], slope, step)
        self.finished[k] = -slope <= torch.finfo(self.parameters.dtype).eps * abs(self.values[k])

    def _restart(self, k: int) -> None:
        """Sends replicate k, whose line search failed, along the steepest descent where that may help."""
        if self._curvature.counts[k] and self.values[k] < self._failures[k]:
            self._failures[k] = self.values[k]
            self._descend(k)
        else:
            self.finished[k] = True

    def _descend(self, k: int) -> None:
        """Begins a line search of replicate k along its steepest descent, its curvature forgotten.

        The direction says nothing of the length: the first step is one unit at most.
        """
        self._curvature.forget(k)
        self._directions[k] = -self._gradients[k]
        square = float(self._gradients[k].square().sum())
        self.finished[k] = square == 0.0
        if square:
            step = min(1.0, 1.0 / math.sqrt(square))
            self._searches[k] = LineSearch.begin(self.values[k], -square, step)

    def _next(self) -> Tensor:
        """(K, P)"""
        steps = [
            0.0 if done else search.step for done, search in zip(self.finished, self._searches, strict=True)
        ]
        return torch.addcmul(self.parameters, self.parameters.new_tensor(steps)[:, None], self._directions)

    def state(self) -> dict[str, Any]:
        return self._common_state() | {
            "gradients": self._gradients.cpu().clone(),
            "directions": self._directions.cpu().clone(),
            "failures": list(self._failures),
            "searches": [search.state() for search in self._searches],
            "curvature": self._curvature.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self._restore_common(state)
        self._gradients.copy_(state["gradients"])
        self._directions.copy_(state["directions"])
        self._failures = list(state["failures"])
        self._searches = [LineSearch.from_state(search) for search in state["searches"]]
        self._curvature.restore(state["curvature"])
        self.trial = self._next()


def _replaced(old: Tensor, new: Tensor, chosen: list[int]) -> Tensor:
    """old (K, P), with the chosen rows of the new; the new itself where that is all of them."""
    if len(chosen) == len(old):
        return new
    rows = torch.tensor(chosen, device=old.device)
    return old.index_copy(0, rows, new[rows])
