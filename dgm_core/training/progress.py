"""How far a training has come."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingProgress:
    """`done` of `of` iterations; of a window that is `polishing`, `done` of `of` steps of its polish.

    loss: the latest of each replicate, (K,).
    """

    window: int
    polishing: bool
    done: int
    of: int
    loss: list[float]
