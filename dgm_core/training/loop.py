"""The training loop: K replicates of one setup, in steps that can be paused and resumed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.networks import build_network
from dgm_core.training.config import Setup
from dgm_core.training.curves import Curves
from dgm_core.training.evaluation import Errors, Evaluation
from dgm_core.training.loss import Loss
from dgm_core.training.optimizers import OPTIMIZERS
from dgm_core.training.parameters import FlatParameters
from dgm_core.training.result import Status, TrainResult
from dgm_core.training.sampling import PointSource
from dgm_core.training.schedules import SCHEDULES

_DIVERGENCE_CHECK = 200
"""Iterations between looks at whether any replicate is still finite."""


class Trainer:
    """Trains `len(seeds)` replicates of a setup as one batched axis (Detorakis, algorithm 3).

    Replicate k equals the training of seeds[k] alone, to rounding: its weights and points come from
    its own streams, and no operation mixes replicates, so one that diverges harms no other.
    """

    def __init__(self, setup: Setup, seeds: Sequence[int], *, device: torch.device | str = "cpu") -> None:
        if not seeds or len(set(seeds)) != len(seeds):
            raise ConfigurationError(f"seeds = {list(seeds)} is not allowed: one or more, all distinct.")
        problem, config = setup.problem, setup.config
        self.setup = setup
        self.seeds = tuple(seeds)
        self.iteration = 0
        self.seconds = 0.0
        self.evaluation = Evaluation(problem, device)
        self.network = build_network(config, len(problem.inputs), len(problem.outputs), seeds).to(device)
        self._flat = FlatParameters(self.network)
        self._optimizer = OPTIMIZERS[config.optimizer](self._flat.values, config.learning_rate)
        self._schedule = SCHEDULES[config.schedule]
        self._points = PointSource(
            problem.regions(), config.batch_size, seeds, sampler=config.sampler, device=device
        )
        self._loss = Loss(problem, config.loss_weights)
        self.curves = Curves(len(seeds), problem.terms)

    @property
    def done(self) -> bool:
        """All iterations run, or no replicate finite any more."""
        return self.iteration >= self.setup.config.iterations or self._all_diverged()

    def advance(self, until: int, seconds: float = math.inf) -> None:
        """Trains on to iteration `until`, the end or for `seconds`, whichever comes first."""
        last = min(until, self.setup.config.iterations)
        begin = time.perf_counter()
        deadline = begin + seconds
        while self.iteration < last:
            self._step()
            if self.iteration % _DIVERGENCE_CHECK == 0 and self._all_diverged():
                break
            if time.perf_counter() >= deadline:
                break
        self.seconds += time.perf_counter() - begin

    def evaluate(self) -> Errors:
        """Errors at the present iteration, entered into the curves."""
        errors = self.evaluation.errors(self.predict())
        self.curves.measured(self.iteration, errors.mae)
        return errors

    def predict(self) -> Tensor:
        """The solution at the evaluation points, (K, N, q) float64."""
        return self.evaluation.predict(self.network, len(self.seeds))

    def result(self) -> TrainResult:
        """The outcome as it stands: replicates that are not at their end count as interrupted."""
        errors = self.evaluate()
        end = Status.COMPLETED if self.iteration >= self.setup.config.iterations else Status.INTERRUPTED
        status = tuple(
            Status.DIVERGED if diverged is not None or not math.isfinite(mae) else end
            for diverged, mae in zip(self.curves.diverged_at(), errors.mae, strict=True)
        )
        losses = self.curves.losses
        return TrainResult(
            setup=self.setup,
            seeds=self.seeds,
            status=status,
            errors=errors,
            losses=losses[-1] if len(losses) else torch.full(losses.shape[1:], math.nan),
            curves=self.curves,
            iterations=self.iteration,
            seconds=self.seconds,
            weights={name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()},
        )

    def state(self) -> dict[str, Any]:
        """Everything needed to go on exactly: weights, optimizer, generators, curves."""
        return {
            "seeds": self.seeds,
            "setup": self.setup.to_dict(),
            "iteration": self.iteration,
            "seconds": self.seconds,
            "network": {name: value.clone() for name, value in self.network.state_dict().items()},
            "optimizer": self._optimizer.state_dict(),
            "points": self._points.state(),
            "curves": self.curves.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from `state`.  Raises ConfigurationError where it is another setup's."""
        if tuple(state["seeds"]) != self.seeds or state["setup"] != self.setup.to_dict():
            raise ConfigurationError("the checkpoint belongs to another configuration or other seeds.")
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._points.restore(state["points"])
        self.curves.restore(state["curves"])
        self.iteration = state["iteration"]
        self.seconds = state["seconds"]

    def _step(self) -> None:
        config = self.setup.config
        total, terms = self._loss(self.network, self._points.next())
        self._flat.backward(total.sum())
        if config.clip_norm is not None:
            self._flat.clip(config.clip_norm)
        rate = config.learning_rate * self._schedule(self.iteration, config)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        self.curves.append(total, terms)
        self.iteration += 1

    def _all_diverged(self) -> bool:
        losses = self.curves.losses
        return len(losses) > 0 and not bool(torch.isfinite(losses[-1, :, 0]).any())


def train(
    setup: Setup,
    seeds: Sequence[int],
    *,
    on_report: Callable[[Trainer], None] | None = None,
    report_seconds: float = 0.5,
    device: torch.device | str = "cpu",
) -> TrainResult:
    """Trains a setup to its end, one replicate for each seed.

    `on_report` is called with the trainer every `report_seconds`, between iterations.
    """
    trainer = Trainer(setup, seeds, device=device)
    while not trainer.done:
        trainer.advance(setup.config.iterations, seconds=report_seconds)
        if on_report is not None:
            on_report(trainer)
    return trainer.result()
