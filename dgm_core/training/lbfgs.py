"""L-BFGS for many functions at once, which one evaluation serves."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from dgm_core.training.curvature import InverseHessian
from dgm_core.training.line_search import LineSearch, Verdict

MEMORY = 50
"""Pairs of steps and gradients that are kept."""


class LBFGS:
    """Minimises K functions of P variables, each by itself, by limited-memory BFGS.

    `trial` (K, P) is where the functions are wanted next, and `tell` takes what they gave.  Every
    replicate is at a point of its own in its own line search, so that none waits for another; a
    finished one is asked for at its `parameters` again, and what it gives is ignored.  `parameters`
    and `values` are where each replicate is; a value rises by no more than rounding.

    A replicate is finished

    - after `iterations` steps or `evaluations` of its function;
    - where the next step promises less than the value's last digit;
    - where a line search fails along the steepest descent, or a second time without a lower value.
      Any other failure forgets the curvature and goes on along the steepest descent, as L-BFGS-B does;
    - at its start where its value or its gradient there is not finite: then its value is NaN.

    One that ends no lower than it started is put back to where it was.

    Source: Liu and Nocedal (1989); Nocedal and Wright (2006), algorithm 7.5.
    """

    def __init__(
        self,
        start: Tensor,
        values: Tensor,
        gradients: Tensor,
        *,
        iterations: int,
        evaluations: int,
        memory: int = MEMORY,
    ) -> None:
        """start: (K, P); values (K,) and gradients (K, P) there count as the first evaluation."""
        replicates = len(start)
        finite = torch.isfinite(values) & torch.isfinite(gradients).all(dim=1)
        self.parameters = start.clone()
        self.values: list[float] = torch.where(finite, values, math.nan).tolist()
        self.iterations = [0] * replicates
        self.evaluations = [1] * replicates
        self.finished: list[bool] = (~finite).tolist()
        self._start = (self.parameters.clone(), list(self.values))
        self._failures = [math.inf] * replicates
        """Values at which a line search last failed."""
        self._most_iterations = iterations
        self._most_evaluations = evaluations
        self._gradients = torch.where(finite[:, None], gradients, 0.0)
        self._directions = torch.zeros_like(start)
        self._curvature = InverseHessian(start, memory)
        self._searches = [LineSearch.begin(0.0, 0.0, 0.0)] * replicates
        for k in range(replicates):
            if not self.finished[k]:
                self._descend(k)
        self.trial = self._next()

    @property
    def done(self) -> bool:
        """Every replicate is finished."""
        return all(self.finished)

    def tell(self, values: Tensor, gradients: Tensor) -> None:
        """Takes the functions' values (K,) and gradients (K, P) at `trial`, and chooses the next one.

        It keeps the gradients: they must not be changed afterwards.
        """
        slopes = torch.linalg.vecdot(gradients, self._directions)
        told = torch.stack([values, slopes], dim=1).tolist()
        active = [k for k, finished in enumerate(self.finished) if not finished]
        accepted, failed = [], []
        for k in active:
            value, slope = told[k]
            self.evaluations[k] += 1
            verdict = self._searches[k].tell(value, slope)
            if verdict is Verdict.ACCEPT:
                self.values[k] = value
                self.iterations[k] += 1
                accepted.append(k)
            elif verdict is Verdict.FAIL:
                failed.append(k)
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
        digit = torch.finfo(directions.dtype).eps
        for k in chosen:
            # No descent: by rounding, where the curvature is no longer that of the function.
            if not self._curvature.counts[k] or not slopes[k] < 0.0:
                self._descend(k)
                continue
            self._searches[k] = LineSearch.begin(self.values[k], slopes[k], 1.0)
            self.finished[k] = -slopes[k] <= digit * abs(self.values[k])

    def _restart(self, k: int) -> None:
        """Sends replicate k, whose line search failed, along the steepest descent where that may help."""
        if self._curvature.counts[k] and self.values[k] < self._failures[k]:
            self._failures[k] = self.values[k]
            self._descend(k)
        else:
            self.finished[k] = True

    def _end(self, k: int) -> None:
        """Looks whether replicate k is finished, and that it is not the worse for it."""
        spent = self.iterations[k] >= self._most_iterations or self.evaluations[k] >= self._most_evaluations
        self.finished[k] = self.finished[k] or spent
        start, values = self._start
        if self.finished[k] and self.values[k] >= values[k]:
            self.parameters[k] = start[k]
            self.values[k] = values[k]

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
        """A copy that `restore` reads."""
        return {
            "parameters": self.parameters.cpu().clone(),
            "gradients": self._gradients.cpu().clone(),
            "directions": self._directions.cpu().clone(),
            "values": list(self.values),
            "iterations": list(self.iterations),
            "evaluations": list(self.evaluations),
            "finished": list(self.finished),
            "failures": list(self._failures),
            "start": (self._start[0].cpu().clone(), list(self._start[1])),
            "searches": [search.state() for search in self._searches],
            "curvature": self._curvature.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from `state`, in an object that is new, with the same bits."""
        self.parameters.copy_(state["parameters"])
        self._gradients.copy_(state["gradients"])
        self._directions.copy_(state["directions"])
        self.values = list(state["values"])
        self.iterations = list(state["iterations"])
        self.evaluations = list(state["evaluations"])
        self.finished = list(state["finished"])
        self._failures = list(state["failures"])
        self._start = (state["start"][0].to(self.parameters), list(state["start"][1]))
        self._searches = [LineSearch.from_state(own) for own in state["searches"]]
        self._curvature.restore(state["curvature"])
        self.trial = self._next()


def _replaced(old: Tensor, new: Tensor, chosen: list[int]) -> Tensor:
    """old (K, P), with the chosen rows of the new; the new itself where that is all of them."""
    if len(chosen) == len(old):
        return new
    rows = torch.tensor(chosen, device=old.device)
    return old.index_copy(0, rows, new[rows])
