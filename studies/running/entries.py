"""What is known of one trial: the one place where a trial's status is decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dgm_core import Setup, Status
from studies.running.trainable import TIME, Job


@dataclass
class TrialEntry:
    """What is known of one trial while it runs and after."""

    trial: str
    job: Job
    started: float  # seconds since the study began
    ended: float | None = None
    result: dict[str, Any] = field(default_factory=dict)
    checkpoint: Path | None = None
    error: str | None = None
    rung: int | None = None
    running: bool = True

    @property
    def arm(self) -> str | None:
        """Of an ablation or a confirmation; None in a search."""
        return self.job.arm

    @property
    def setup(self) -> Setup:
        """What it trains."""
        return self.job.setup

    @property
    def status(self) -> Status | None:
        """None while it runs; diverged where at least half of its replicates are."""
        if self.running:
            return None
        if self.error is not None:
            return Status.FAILED
        replicates = self.result.get("replicates", {}).get("status", [])
        diverged = sum(status == Status.DIVERGED for status in replicates)
        if replicates and 2 * diverged >= len(replicates):
            return Status.DIVERGED
        if self.result.get("final"):
            return Status.COMPLETED
        return Status.INTERRUPTED if self.rung is None else Status.STOPPED

    @property
    def iterations(self) -> int:
        """Run so far."""
        return int(self.result.get(TIME, 0))
