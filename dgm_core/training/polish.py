"""A quasi-Newton polish after the stochastic steps."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from dgm_core.tape import Repeated
from dgm_core.training.lbfgs import LBFGS
from dgm_core.training.loss import Loss
from dgm_core.training.parameters import FlatParameters
from dgm_core.training.regularisation import Penalty
from dgm_core.training.sampling import PointSource
from dgm_core.training.solution import Solution, device_of, window_path

_EVALUATIONS_SPARE = 20
"""Evaluations allowed beyond two for each iteration: those of a line search."""


@dataclass(frozen=True)
class Polished:
    """What the polish of one replicate of one window did: losses on its fixed points, and cost.

    seconds: its share of the time in which it was polished together with others.
    """

    window: int
    replicate: int
    loss_before: float
    loss_after: float
    iterations: int
    evaluations: int
    seconds: float


class Polish:
    """Minimises the loss of every replicate of window j by L-BFGS on fixed points, in float64.

    All replicates take their steps together, and each as it would alone, to rounding; a replicate
    that has ended stays as it is.  The points are `polish_points` Sobol points for each term, of the
    streams (seed, "points", term, "polish", *path of the window).  Batch normalisation uses its
    running statistics and dropout is off.

    Between steps, and after an interrupt, the piece holds the weights reached so far.  In the end those
    of a replicate whose loss is not finite, or that no step lowers, are what they were.  They stay
    float64, because rounding them to float32 would undo the last digits gained.

    Source: Liu and Nocedal (1989).
    """

    def __init__(self, solution: Solution, j: int, *, carry: bool = True) -> None:
        begin = time.perf_counter()
        config = solution.setup.config
        self.window = j
        self._piece = solution.piece(j).double()
        self._piece.eval()
        self._flat = FlatParameters(self._piece.network)
        untrained = partial(solution.untrained, j)
        self._loss = Loss(self._piece.problem, config, fixed_points=True, carry=carry, untrained=untrained)
        self._penalty = Penalty(self._piece.network, config.l1, config.l2) if config.l1 or config.l2 else None
        source = PointSource(
            self._piece.problem.regions(),
            config.polish_points,
            solution.seeds,
            sampler="sobol",
            path=("polish", *window_path(j)),
            dtype=torch.float64,
            device=device_of(self._piece),
        )
        self._differentiate = Repeated(self._differentiated)
        self._points = {term: value.clone() for term, value in source.next().items()}
        start = self._flat.values.detach().clone()
        self._lbfgs = LBFGS(
            start,
            *self._evaluate(start),
            iterations=config.polish_iterations,
            evaluations=2 * config.polish_iterations + _EVALUATIONS_SPARE,
        )
        self._before = list(self._lbfgs.values)
        self._seconds = [0.0] * len(solution.seeds)
        self._spent(begin, range(len(solution.seeds)))

    @property
    def done(self) -> bool:
        """Every replicate has ended."""
        return self._lbfgs.done

    @property
    def unrecorded(self) -> str | None:
        """Why its evaluations are not replayed, where that is not by size (see `Repeated`)."""
        return self._differentiate.unrecorded

    def step(self) -> None:
        """One evaluation of the loss, which serves every replicate that has not ended."""
        begin = time.perf_counter()
        lbfgs = self._lbfgs
        active = [k for k, ended in enumerate(lbfgs.finished) if not ended]
        try:
            lbfgs.tell(*self._evaluate(lbfgs.trial))
        finally:
            self._write(lbfgs.parameters)
        self._spent(begin, active)

    def records(self) -> list[Polished]:
        """What was done for each replicate so far."""
        done = self._lbfgs
        columns = (self._before, done.values, done.iterations, done.evaluations, self._seconds)
        return [Polished(self.window, k, *row) for k, row in enumerate(zip(*columns, strict=True))]

    def state(self) -> dict[str, Any]:
        """What `restore` reads, the piece's own tensors apart; a copy."""
        return {
            "lbfgs": self._lbfgs.state(),
            "before": list(self._before),
            "seconds": list(self._seconds),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continues from `state`."""
        self._lbfgs.restore(state["lbfgs"])
        self._before = list(state["before"])
        self._seconds = list(state["seconds"])
        self._write(self._lbfgs.parameters)

    def _evaluate(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """The losses (K,) and their gradients (K, P) at `parameters`, penalties included.

        The piece is left with these parameters.
        """
        self._write(parameters)
        values, gradients = self._differentiate().clone(), self._flat.gradients.clone()
        if self._penalty is not None:
            values = values + self._penalty.value(parameters)
            gradients += self._penalty.gradient(parameters)
        return values, gradients

    def _differentiated(self) -> Tensor:
        """The losses (K,) at the piece's weights; the gradients go to the flat parameters."""
        total, _ = self._loss(self._piece, self._points)
        self._flat.backward(total.sum())
        return total.detach()

    def _write(self, parameters: Tensor) -> None:
        with torch.no_grad():
            self._flat.values.copy_(parameters)

    def _spent(self, begin: float, replicates: Sequence[int]) -> None:
        """Divides the time since `begin` among the replicates that it served."""
        share = (time.perf_counter() - begin) / max(1, len(replicates))
        for k in replicates:
            self._seconds[k] += share
