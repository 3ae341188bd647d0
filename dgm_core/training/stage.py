"""The optimisation of one piece of the solution: of one time window, or of the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor

from dgm_core.tape import Repeated
from dgm_core.training.averaging import MovingAverage
from dgm_core.training.config import TrainConfig
from dgm_core.training.loss import Loss
from dgm_core.training.optimizers import OPTIMIZERS
from dgm_core.training.parameters import FlatParameters
from dgm_core.training.regularisation import Penalty
from dgm_core.training.sampling import PointSource
from dgm_core.training.schedules import SCHEDULES
from dgm_core.training.solution import Solution, device_of, window_path


class Stage:
    """Optimizer, schedule, points and loss of window j, all of them fresh in each window.

    `end` is the iteration of the whole training at which the stage is over; its own schedule runs
    from 0 to 1 over its own share of the iterations.
    """

    def __init__(self, solution: Solution, j: int, *, carry: bool = True) -> None:
        config = solution.setup.config
        self.window = j
        self.piece = solution.piece(j)
        self.start = j * config.iterations // config.windows
        self.end = (j + 1) * config.iterations // config.windows
        # The copy is not validated: a schedule reads its span, and no rule is about that.
        self.config: TrainConfig = config.model_copy(update={"iterations": self.end - self.start})
        self._flat = FlatParameters(self.piece.network)
        self._rate = torch.tensor(config.learning_rate, device=device_of(self.piece))
        self._optimizer = OPTIMIZERS[config.optimizer](self._flat.values, self._rate, config.weight_decay)
        self._inputs: dict[str, Tensor] = {}
        # The first time the loss finds out how to differentiate.
        self._update = Repeated(self._updated)
        self._schedule = SCHEDULES[config.schedule]
        self._points = PointSource(
            self.piece.problem.regions(),
            config.batch_size,
            solution.seeds,
            sampler=config.sampler,
            path=window_path(j),
            device=device_of(self.piece),
        )
        untrained = partial(solution.untrained, j)
        self._loss = Loss(self.piece.problem, config, carry=carry, untrained=untrained)
        self._penalty = Penalty(self.piece.network, config.l1, config.l2) if config.l1 or config.l2 else None
        self._average = MovingAverage(self._flat.values, config.averaging) if config.averaging else None

    def step(self, iteration: int) -> tuple[Tensor, Tensor]:
        """One optimizer step: (total loss (K,), terms (K, T)) before it; the next step may change them.

        What changes from step to step is put into tensors of its own, so that the step can be replayed.
        """
        config, local = self.config, iteration - self.start
        points = self._points.next()
        self._rate.fill_(config.learning_rate * self._schedule(local, config))
        if self._average is not None:
            self._average.expect(local)
        if not self._inputs:
            self._inputs = {term: x.clone() for term, x in points.items()}
        for term, x in points.items():
            self._inputs[term].copy_(x)
        return self._update()

    def _updated(self) -> tuple[Tensor, Tensor]:
        config = self.config
        total, terms = self._loss(self.piece, self._inputs)
        self._flat.backward(total.sum())
        if self._penalty is not None:
            self._flat.gradients.add_(self._penalty.gradient(self._flat.values.detach()))
        if config.clip_norm is not None:
            self._flat.clip(config.clip_norm)
        self._optimizer.step()
        if self._average is not None:
            self._average.update(self._flat.values)
        return total.detach(), terms.detach()

    @property
    def operations(self) -> int | None:
        """Of a replayed step; None where steps are not replayed (or not yet: from the third on)."""
        return self._update.operations

    @property
    def unrecorded(self) -> str | None:
        """Why its steps are not replayed, where that is not by size (see `Repeated`)."""
        return self._update.unrecorded

    @contextmanager
    def evaluated(self) -> Iterator[None]:
        """Within it the piece holds the weights that count: their average, where there is one."""
        if self._average is None:
            yield
            return
        self._average.swap(self._flat.values)
        try:
            yield
        finally:
            self._average.swap(self._flat.values)

    def finish(self) -> None:
        """Ends the optimisation: the average, where there is one, becomes the weights."""
        if self._average is not None:
            self._average.swap(self._flat.values)
            self._average = None

    def state(self) -> dict[str, Any]:
        """What `restore` reads, the piece's own tensors apart; a copy."""
        return {
            "optimizer": {name: value.clone() for name, value in self._optimizer.state.items()},
            "points": self._points.state(),
            "dropout": [g.get_state() for g in self.piece.network.dropout_generators],
            "average": None if self._average is None else self._average.values.clone(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continues from `state`, the piece's own tensors being restored already."""
        self._optimizer.restore(state["optimizer"])
        self._points.restore(state["points"])
        for generator, saved in zip(self.piece.network.dropout_generators, state["dropout"], strict=True):
            generator.set_state(saved)
        if state["average"] is None:
            self._average = None
        elif self._average is not None:
            self._average.values.copy_(state["average"])
