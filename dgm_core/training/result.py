"""The outcome of a training: errors, losses and a status, so that divergence is data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from torch import Tensor

from dgm_core.training.curves import Curves
from dgm_core.training.evaluation import Errors
from dgm_core.training.polish import Polished
from dgm_core.training.setup import Setup


class Status(StrEnum):
    """How a training ended."""

    COMPLETED = "completed"
    STOPPED = "stopped"
    """By the scheduler, at a rung."""
    DIVERGED = "diverged"
    """A loss that is not finite."""
    FAILED = "failed"
    """An error of the program or the machine."""
    INTERRUPTED = "interrupted"
    """By the user, or by a time limit."""


@dataclass(frozen=True)
class TrainResult:
    """K replicates of one setup, in the order of `seeds`.

    errors: at the last iteration.  losses: (K, 1 + T) of the last iteration, columns as in
    `curves.columns`.  seconds: of training, all replicates together, without evaluations.
    """

    setup: Setup
    seeds: tuple[int, ...]
    status: tuple[Status, ...]
    errors: Errors
    losses: Tensor
    curves: Curves
    iterations: int
    seconds: float
    weights: dict[str, Tensor]
    """Of the field that was evaluated (averaged or polished, where that is asked), with a leading K."""
    polished: tuple[Polished, ...] = ()
    """What the polish did, by window and replicate; `losses` and `curves` end before it."""
    reasons: tuple[str | None, ...] = ()
    """Why a replicate diverged, where it did."""
    notes: tuple[str, ...] = ()
    """What there is to say of how it ran, a sentence each."""
    constants: Mapping[str, list[float]] = field(default_factory=dict)
    """The problem's trained constants by name: that of each replicate, (K,)."""
