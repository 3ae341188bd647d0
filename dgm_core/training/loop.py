"""The training loop: K replicates of one setup, in steps that can be paused and resumed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from dgm_core.errors import ConfigurationError, counted
from dgm_core.training.curves import Curves
from dgm_core.training.divergence import divergence_reasons
from dgm_core.training.evaluation import Errors, Evaluation
from dgm_core.training.identified import unidentified_notes
from dgm_core.training.memory import check_memory
from dgm_core.training.polish import Polish, Polished
from dgm_core.training.process import flushed_subnormals
from dgm_core.training.progress import TrainingProgress
from dgm_core.training.result import Status, TrainResult
from dgm_core.training.setup import Setup
from dgm_core.training.solution import Solution
from dgm_core.training.stage import DescentStage, Stage, window_end
from dgm_core.training.windows import Windows

_DIVERGENCE_CHECK = 200
"""Iterations between looks at whether any replicate is still finite."""


class Trainer:
    """Trains `len(seeds)` replicates of a setup as one batched axis (Detorakis, algorithm 3).

    Replicate k equals the training of seeds[k] alone, to rounding: its weights and points come from
    its own streams, and no operation mixes replicates, so one that diverges harms no other.

    Time windows are trained in succession (Krishnapriyan et al. 2021, section 6), each with weights
    and an optimizer of its own.  Errors are always those over the whole domain; a window that is
    not begun counts with its untrained weights.  `iteration` counts optimizer steps: the polish that
    ends a window, where configured, adds to `seconds` and to `polished` only.  A training can be
    paused, saved and resumed between any two steps, those of a polish too.

    carry: whether derivatives are carried forward where the network allows it (see `Carried`).
    """

    def __init__(
        self,
        setup: Setup,
        seeds: Sequence[int],
        *,
        device: torch.device | str = "cpu",
        carry: bool = True,
    ) -> None:
        if not seeds or len(set(seeds)) != len(seeds):
            raise ConfigurationError(f"seeds = {list(seeds)} is not allowed: one or more, all distinct.")
        check_memory(setup, len(seeds), device)
        self.setup = setup
        self.seeds = tuple(seeds)
        self.iteration, self.seconds = 0, 0.0
        self.evaluation = Evaluation(setup.problem, device)
        self.network = Solution(setup, seeds).to(device)
        self.curves = Curves(len(seeds), setup.problem.terms, device)
        self._carry = carry
        self._windows = Windows(self.network, carry=carry)
        self._unidentified: tuple[str, ...] | None = None

    @property
    def operations(self) -> int | None:
        """Number of tensor operations in a replayed step; None if steps are not replayed (see
        `dgm_core.tape`)."""
        return self._stage.operations

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks on how the training of the present window runs, a sentence each."""
        told = (f"{self.setup.problem.name}: {reason}." for reason in self._windows.notes)
        if self._finished and self._unidentified is None:
            self._unidentified = unidentified_notes(self.network)
        return (*dict.fromkeys(told), *(self._unidentified or ()))

    @property
    def polished(self) -> list[Polished]:
        """What the polishes that ended did, by window and replicate."""
        return self._windows.polished

    @property
    def progress(self) -> TrainingProgress:
        """How far the training is, at any time."""
        config, polish = self.setup.config, self._windows.polish
        if polish is None:
            loss = self._last_losses()[:, 0].tolist()
            return TrainingProgress(self._stage.window, False, self.iteration, config.iterations, loss)
        minimiser = polish.descent.minimiser
        steps, losses = max(minimiser.iterations), list(minimiser.values)
        return TrainingProgress(polish.window, True, steps, config.polish_iterations, losses)

    @property
    def polishing(self) -> bool:
        """Whether a polish is under way: how good the weights are then depends on the time it has had."""
        return self._windows.polish is not None

    @property
    def done(self) -> bool:
        """Whether all iterations are run and polished, or no replicate is finite any more.

        Divergence is checked at fixed iterations, so the length of a training does not depend on the clock.
        """
        return self._finished or (self.iteration % _DIVERGENCE_CHECK == 0 and self._all_diverged())

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Begins with given weights, as `TrainResult.weights` has them, in place of random ones.

        Raises ConfigurationError where they are another network's or of other replicates, or once begun.
        """
        if self.iteration:
            raise ConfigurationError("initial weights can only be given before the first iteration.")
        self.network.start_from(weights)
        self._windows.restart(0)

    @flushed_subnormals()
    def advance(self, until: int, seconds: float = math.inf, *, pause_polish: bool = False) -> None:
        """Trains on to iteration `until`, the end or for `seconds`, whichever comes first.

        A window that reaches its last iteration is polished at once, whatever the time, and the next
        window begun: what an iteration number stands for must not depend on the clock.  With
        `pause_polish` the time ends a polish's turn too, and the next call goes on with it: the
        caller looks at `polishing` before it takes the iteration's number for what it stands for.
        """
        begin = time.perf_counter()
        deadline = begin + seconds
        while not self._finished:
            if self.iteration == self._stage.end:
                self._end_stage(deadline if pause_polish else math.inf)
                if self.polishing:
                    break
            elif self.iteration >= until:
                break
            else:
                self._step()
                if self.iteration % _DIVERGENCE_CHECK == 0 and self._all_diverged():
                    break
            if self.iteration != self._stage.end and time.perf_counter() >= deadline:
                break
        self.seconds += time.perf_counter() - begin

    def evaluate(self) -> Errors:
        """Errors at the present iteration, entered into the curves; not in the midst of a polish."""
        with self._stage.evaluated():
            errors = self.evaluation.measure(self.network)
        if not self.polishing:
            self.curves.measured(self.iteration, errors.score)
        return errors

    def evaluate_batch_statistics(self) -> list[float] | None:
        """The mean absolute errors with the evaluation points' own batch statistics, (K,).

        They tell what training saw from what running statistics make of it; None without batch
        normalisation or without a reference.
        """
        if self.setup.config.batch_norm == "none" or self.evaluation.reference is None:
            return None
        with self._stage.evaluated():
            prediction = self.evaluation.predict(self.network, batch_statistics=True)
        return self.evaluation.errors(prediction).mae

    def predict(self) -> Tensor:
        """The solution at the evaluation points, (K, N, q) float64."""
        with self._stage.evaluated():
            return self.evaluation.predict(self.network)

    def result(self) -> TrainResult:
        """The outcome as it stands: replicates that are not at their end count as interrupted."""
        errors = self.evaluate()
        end = Status.COMPLETED if self._finished else Status.INTERRUPTED
        status = tuple(
            Status.DIVERGED if diverged is not None or not math.isfinite(score) else end
            for diverged, score in zip(self.curves.diverged_at(), errors.score, strict=True)
        )
        with self._stage.evaluated():
            weights = self.network.weights()
            constants = self.network.constants()
        return TrainResult(
            setup=self.setup,
            seeds=self.seeds,
            status=status,
            errors=errors,
            losses=self._last_losses(),
            curves=self.curves,
            iterations=self.iteration,
            seconds=self.seconds,
            weights=weights,
            reasons=divergence_reasons(self.curves, self.network, self._stage.reasons),
            polished=self._windows.records,
            notes=self.notes,
            constants=constants,
        )

    def state(self) -> dict[str, Any]:
        """Everything needed to go on exactly: weights, optimizer, generators, curves; a copy."""
        return {
            "seeds": self.seeds,
            "setup": self.setup.to_dict(),
            "iteration": self.iteration,
            "seconds": self.seconds,
            "warm": self.network.warm,
            "network": self.network.weights(),
            **self._windows.state(),
            "curves": self.curves.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from `state`.  Raises ConfigurationError where it is another setup's."""
        if tuple(state["seeds"]) != self.seeds or not self.setup.is_of(state["setup"]):
            raise ConfigurationError("the checkpoint belongs to another configuration or other seeds.")
        self.network.load(state["network"])
        self.network.warm = state.get("warm", False)
        self._windows.restore(state)
        self.curves.restore(state["curves"])
        self.iteration = state["iteration"]
        self.seconds = state["seconds"]

    def branch(self, iterations: int) -> Trainer:
        """A trainer of `iterations` in all that has come as far as this one, which stays where it is.

        With a schedule that has not depended on the length so far ("constant", or "cooldown" before its last
        fifth) it ends where a training of that length would have.  Raises ConfigurationError where this one
        has come further than `iterations`, polishes, or has several time windows.
        """
        if iterations < self.iteration or self.polishing or self.setup.config.windows > 1:
            raise ConfigurationError(
                f"a training at iteration {self.iteration} has no branch of "
                f"{counted(iterations, 'iteration')}: that is possible further on, between polishes, and "
                "with one time window."
            )
        setup = self.setup.shortened(iterations)
        other = Trainer(setup, self.seeds, device=self.evaluation.points.device, carry=self._carry)
        other.restore({**self.state(), "setup": setup.to_dict()})
        return other

    @property
    def _stage(self) -> Stage | DescentStage:
        """The optimisation of the present window."""
        return self._windows.stage

    @property
    def _finished(self) -> bool:
        return self.iteration >= self.setup.config.iterations and not self._windows.to_polish

    def _end_stage(self, deadline: float) -> None:
        """Polishes the window, until the deadline at most, and begins the next one."""
        self._stage.finish()
        if self._windows.to_polish and not self._windows.polish_until(deadline, self._record_polish):
            return
        if not self._finished:
            self._windows.begin_next()

    def _record_polish(self, polish: Polish) -> None:
        """Enters a look of the polish into the curves."""
        self.curves.polished(polish.window, *polish.losses())
        looks = sum(window == polish.window for window, _ in self.curves.polish)
        if looks & (looks - 1) == 0 or polish.done:
            self.curves.polish_measured(self.evaluation.measure(self.network).score)

    def _last_losses(self) -> Tensor:
        """(K, 1 + T) as last computed: of the polish where one ended the last iteration's window."""
        losses, polish = self.curves.losses, self.curves.polish
        if polish and window_end(self.setup.config, polish[-1][0]) == self.iteration:
            return polish[-1][1]
        return losses[-1] if len(losses) else torch.full(losses.shape[1:], math.nan)

    def _step(self) -> None:
        total, terms = self._stage.step(self.iteration)
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

    `on_report` is called with the trainer every `report_seconds`, between iterations or in the midst
    of a polish.
    """
    trainer = Trainer(setup, seeds, device=device)
    while not trainer.done:
        trainer.advance(setup.config.iterations, seconds=report_seconds, pause_polish=True)
        if on_report is not None:
            on_report(trainer)
    return trainer.result()
