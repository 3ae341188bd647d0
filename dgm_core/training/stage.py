"""The optimisation of one piece of the solution: of one time window, or of the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor

from dgm_core.tape import Repeated
from dgm_core.training.averaging import MovingAverage
from dgm_core.training.balancing import BALANCINGS, Balancer
from dgm_core.training.config import TrainConfig
from dgm_core.training.descent import Descent
from dgm_core.training.loss import Loss
from dgm_core.training.optimizers import OPTIMIZERS, Minimiser, Settings, Stepwise
from dgm_core.training.parameters import FlatParameters
from dgm_core.training.points import Points
from dgm_core.training.precision import PRECISIONS
from dgm_core.training.regularisation import Penalty
from dgm_core.training.schedules import SCHEDULES
from dgm_core.training.solution import Solution, device_of, window_path


def stage(solution: Solution, j: int, *, carry: bool = True) -> Stage | DescentStage:
    """The optimisation of window j by the configured optimizer."""
    kind = OPTIMIZERS.get(solution.setup.config.optimizer)
    return (DescentStage if issubclass(kind, Minimiser) else Stage)(solution, j, carry=carry)


def window_end(config: TrainConfig, window: int) -> int:
    """The iteration of the whole training at which a time window's stage is over."""
    return (window + 1) * config.iterations // config.windows


class Stage:
    """Optimizer, schedule, points and loss of window j, all of them fresh in each window.

    `end` is the iteration of the whole training at which the stage is over; its own schedule runs
    from 0 to 1 over its own share of the iterations.
    """

    def __init__(self, solution: Solution, j: int, *, carry: bool = True) -> None:
        config = solution.setup.config
        self.window = j
        self.piece = solution.piece(j).to(PRECISIONS[config.resolved_precision])
        self.start = j * config.iterations // config.windows
        self.end = window_end(config, j)
        # The copy is not validated: a schedule reads its span, and no rule is about that.
        self.config: TrainConfig = config.model_copy(update={"iterations": self.end - self.start})
        self._flat = FlatParameters(self.piece.network)
        self._rate = torch.tensor(config.learning_rate, device=device_of(self.piece))
        kind: Any = OPTIMIZERS.get(config.optimizer)
        self._optimizer: Stepwise = kind(
            self._flat.values, self._rate, Settings.of(config), self._flat.shapes
        )
        self._inputs: dict[str, Tensor] = {}
        # The first time the loss finds out how to differentiate.
        self._update = Repeated(self._updated if self._optimizer.replayable else self._differentiated)
        self._schedule = SCHEDULES[config.schedule]
        self._points = _points(solution, j)
        untrained = partial(solution.untrained, j)
        self._loss = Loss(self.piece.problem, config, carry=carry, untrained=untrained)
        self._balancer: Balancer | None = None
        if config.balancing != "none":
            self._balancer = BALANCINGS.get(config.balancing)(self._loss, self.piece, config)
            self._loss.balancer = self._balancer
        self._points.judge(partial(self._loss.sizes, self.piece))
        self._penalty = Penalty(self.piece.network, config.l1, config.l2) if config.l1 or config.l2 else None
        self._average = MovingAverage(self._flat.values, config.averaging) if config.averaging else None

    def step(self, iteration: int) -> tuple[Tensor, Tensor]:
        """One optimizer step: (total loss (K,), terms (K, T)) before it; the next step may change them.

        What changes from step to step is put into tensors of its own, so that the step can be replayed.
        """
        config, local = self.config, iteration - self.start
        self._rate.fill_(config.learning_rate * self._schedule(local, config))
        if self._average is not None:
            self._average.expect(local)
        if not self._inputs:
            self._inputs = {term: x.clone() for term, x in self._points.next().items()}
        elif self._points.due():
            for term, x in self._points.next().items():
                self._inputs[term].copy_(x)
        if self._balancer is not None:
            self._balancer.prepare(local, self._inputs)
        if self._optimizer.replayable:
            return self._update()
        losses = self._update()
        self._stepped()
        return losses

    def _updated(self) -> tuple[Tensor, Tensor]:
        losses = self._differentiated()
        self._stepped()
        return losses

    def _differentiated(self) -> tuple[Tensor, Tensor]:
        config = self.config
        total, terms = self._loss(self.piece, self._inputs)
        self._flat.backward(total.sum())
        if self._penalty is not None:
            self._flat.gradients.add_(self._penalty.gradient(self._flat.values.detach()))
        if config.clip_norm is not None:
            self._flat.clip(config.clip_norm)
        return total.detach(), terms.detach()

    def _stepped(self) -> None:
        self._optimizer.step()
        if self._average is not None:
            self._average.update(self._flat.values)

    @property
    def operations(self) -> int | None:
        """Of a replayed step; None where steps are not replayed (or not yet: from the third on)."""
        return self._update.operations

    @property
    def unrecorded(self) -> str | None:
        """Why its steps are not replayed, where that is not by size (see `Repeated`)."""
        note = None if self._balancer is None else self._balancer.note
        return note or self._update.unrecorded

    @property
    def reasons(self) -> list[str | None]:
        """Why the optimizer gave up each replicate: it never does."""
        return [None] * self._flat.values.shape[0]

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
            "inputs": {term: x.clone() for term, x in self._inputs.items()},
            "dropout": [g.get_state() for g in self.piece.network.dropout_generators],
            "balancing": {}
            if self._balancer is None
            else {name: value.clone() for name, value in self._balancer.state.items()},
            "average": None if self._average is None else self._average.values.clone(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continues from `state`, the piece's own tensors being restored already."""
        self._optimizer.restore(state["optimizer"])
        self._points.restore(state["points"])
        self._inputs = {term: x.clone() for term, x in state["inputs"].items()}
        if self._balancer is not None:
            self._balancer.restore(state["balancing"])
        for generator, saved in zip(self.piece.network.dropout_generators, state["dropout"], strict=True):
            generator.set_state(saved)
        if state["average"] is None:
            self._average = None
        elif self._average is not None:
            self._average.values.copy_(state["average"])


class DescentStage:
    """The same by a `Minimiser`: an iteration is one look at the loss, on `batch_size` points of each
    term."""

    def __init__(self, solution: Solution, j: int, *, carry: bool = True) -> None:
        config = solution.setup.config
        self.window = j
        self.start = j * config.iterations // config.windows
        self.end = window_end(config, j)
        self._descent = Descent(
            solution,
            j,
            config.optimizer,
            _points(solution, j),
            precision=config.resolved_precision,
            iterations=math.inf,
            evaluations=math.inf,
            carry=carry,
        )
        self.piece = self._descent.piece

    def step(self, iteration: int) -> tuple[Tensor, Tensor]:
        """One look at the loss: (total loss (K,), terms (K, T)) before it."""
        losses = self._descent.losses()
        self._descent.advance()
        return losses

    @property
    def operations(self) -> int | None:
        """Of a replayed look; None where it is not replayed."""
        return self._descent.objective.operations

    @property
    def unrecorded(self) -> str | None:
        """Why steps take longer than they could (see `PieceObjective`)."""
        return self._descent.objective.unrecorded

    @property
    def reasons(self) -> list[str | None]:
        """Why the minimiser gave up each replicate, where it did."""
        return self._descent.minimiser.reasons

    @contextmanager
    def evaluated(self) -> Iterator[None]:
        """The piece holds the weights that count already."""
        yield

    def finish(self) -> None:
        """Ends the optimisation."""

    def state(self) -> dict[str, Any]:
        """What `restore` reads, the piece's own tensors apart; a copy."""
        return self._descent.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continues from `state`, the piece's own tensors being restored already."""
        self._descent.restore(state)


def _points(solution: Solution, j: int) -> Points:
    """Those of window j, before any polish."""
    config, piece = solution.setup.config, solution.piece(j)
    return Points(
        piece.problem.regions(),
        config.batch_size,
        solution.seeds,
        sampler=config.sampler,
        every=config.resolved_redraw,
        adaptation=config.adaptation,
        path=window_path(j),
        dtype=PRECISIONS[config.resolved_precision],
        device=device_of(piece),
    )
