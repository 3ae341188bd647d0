"""A polish after the stochastic steps."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from dgm_core.training.descent import Descent
from dgm_core.training.points import Points
from dgm_core.training.solution import Solution, device_of, window_path

_EVALUATIONS_SPARE = 20
"""Evaluations allowed beyond two for each iteration: those of a line search."""


@dataclass(frozen=True)
class Polished:
    """What the polish of one replicate of one window did: losses on its fixed points, and cost.

    seconds: its share of the time in which it was polished together with others.  undone: the loss on other
    points had grown, so the weights are those before the polish.
    """

    window: int
    replicate: int
    loss_before: float
    loss_after: float
    iterations: int
    evaluations: int
    seconds: float
    undone: bool = False


class Polish:
    """Minimises the loss of every replicate of window j on fixed points, in float64, by the configured
    `polish`.

    The points are `polish_points` Sobol points for each term, of the streams (seed, "points", term, "polish",
    *path of the window), drawn anew every `polish_redraw_every` looks where that is asked.

    In the end the weights of a replicate whose loss is not finite, or that no step lowers, are what they
    were, and so are those of one whose loss grew on as many other points, (seed, "points", term, "polish",
    "check", *path): it learned its own points by heart.  Weights stay float64, because rounding them to
    float32 would undo the last digits gained.
    """

    def __init__(self, solution: Solution, j: int, *, carry: bool = True) -> None:
        begin = time.perf_counter()
        config, piece = solution.setup.config, solution.piece(j)
        draw = partial(
            Points,
            piece.problem.regions(),
            config.polish_points,
            solution.seeds,
            sampler="sobol",
            dtype=torch.float64,
            device=device_of(piece),
        )
        points = draw(every=config.polish_redraw_every, path=("polish", *window_path(j)))
        self.window = j
        self.descent = Descent(
            solution,
            j,
            config.polish,
            points,
            precision="float64",
            iterations=config.polish_iterations,
            evaluations=2 * config.polish_iterations + _EVALUATIONS_SPARE,
            carry=carry,
        )
        self._before = list(self.descent.minimiser.values)
        self._start = self.descent.minimiser.parameters.detach().clone()
        self._others = draw(every=0, path=("polish", "check", *window_path(j))).next()
        self._others_before = self.descent.loss_at(self._others)
        self._undone = [False] * len(solution.seeds)
        self._seconds = [0.0] * len(solution.seeds)
        self._spent(begin, range(len(solution.seeds)))

    @property
    def done(self) -> bool:
        """Every replicate has ended."""
        return self.descent.minimiser.done

    @property
    def unrecorded(self) -> str | None:
        """Why its evaluations take longer than they could (see `PieceObjective`)."""
        return self.descent.objective.unrecorded

    def step(self) -> None:
        """One look at the loss, which serves every replicate that has not ended."""
        begin = time.perf_counter()
        active = [k for k, ended in enumerate(self.descent.minimiser.finished) if not ended]
        self.descent.advance()
        self._spent(begin, active)

    def settle(self) -> None:
        """Once it is done: puts back the weights of replicates that it did no good."""
        after = self.descent.loss_at(self._others)
        self._undone = [
            math.isfinite(before) and not now <= before
            for before, now in zip(self._others_before, after, strict=True)
        ]
        if any(self._undone):
            self.descent.go_back(self._start, self._undone)

    def losses(self) -> tuple[Tensor, Tensor]:
        """(total (K,), terms (K, T)) where each replicate is."""
        return self.descent.losses()

    def records(self) -> list[Polished]:
        """What was done for each replicate so far."""
        done = self.descent.minimiser
        columns = (
            self._before, done.values, done.iterations, done.evaluations, self._seconds, self._undone
        )  # fmt: skip
        return [Polished(self.window, k, *row) for k, row in enumerate(zip(*columns, strict=True))]

    def state(self) -> dict[str, Any]:
        """What `restore` reads, the piece's own tensors apart; a copy."""
        return {
            "descent": self.descent.state(),
            "before": list(self._before),
            "seconds": list(self._seconds),
            "start": self._start.clone(),
            "others_before": list(self._others_before),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continues from `state`."""
        self.descent.restore(state["descent"])
        self._before = list(state["before"])
        self._seconds = list(state["seconds"])
        self._start.copy_(state["start"])
        self._others_before = list(state["others_before"])

    def _spent(self, begin: float, replicates: Sequence[int]) -> None:
        """Divides the time since `begin` among the replicates that it served."""
        share = (time.perf_counter() - begin) / max(1, len(replicates))
        for k in replicates:
            self._seconds[k] += share
