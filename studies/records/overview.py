"""How a run stands, from its folder alone, while it runs or after it was left or killed."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from studies.records.forecast import seconds_left
from studies.records.history import Entry, History, read_history
from studies.records.lock import Owner, holder
from studies.records.opening import open_run
from studies.records.schema import STUDY, StudyRecord


@dataclass(frozen=True)
class Overview:
    """A run: what was asked, what its log says, and who runs it now."""

    folder: Path
    record: StudyRecord
    history: History
    owner: Owner | None

    @property
    def state(self) -> str:
        """As in study.json; "killed" where its process is gone and has not said how it left."""
        if self.owner is not None:
            return "running"
        state = self.history.state or self.record.state
        return "killed" if state == "running" else state

    @property
    def phases(self) -> dict[str, Counter[str]]:
        """Phase -> how many of its trials are in which state."""
        states: dict[str, Counter[str]] = {}
        going = "running" if self.owner is not None else "left"
        for entry in self.history.entries.values():
            states.setdefault(entry.spec.phase, Counter())[entry.status or going] += 1
        return states

    @property
    def best(self) -> Entry | None:
        """The completed trial of the lowest score, confirmations not counted."""
        return self.history.best

    @property
    def headline(self) -> tuple[float, str] | None:
        """The score to quote, and how it came: "confirmed" on fresh seeds, or "selected" as the best.

        The words are empty of a solve, whose one score nothing selected; None where nothing has completed.
        """
        if self.record.winner is not None:
            middle = self.record.winner.score["median"]
            return math.inf if middle is None else float(middle), "confirmed"
        if self.best is None:
            return None
        return self.best.score, "" if self.record.kind == "solve" else "selected"

    @property
    def rungs(self) -> dict[int, tuple[int, int]]:
        """Rung -> how many were looked at there, and how many of them stopped."""
        return self.history.rungs

    @property
    def ended(self) -> int:
        """Trials that have, of the phase that was asked for."""
        return sum(not entry.running for entry in self.history.phase("search", "ablation", "solve"))

    @property
    def seconds(self) -> float:
        """For which the study has run so far."""
        running = time.time() - self.history.sessions[-1][1] if self.owner and self.history.sessions else 0.0
        return self.history.seconds + running

    @property
    def rate(self) -> float | None:
        """Trials of the phase asked for that ended, a minute; None before the first."""
        return 60.0 * self.ended / self.seconds if self.ended and self.seconds else None

    @property
    def left(self) -> float | None:
        """Seconds until the study ends, where it goes on; None while nothing has been measured."""
        return seconds_left(self.record, self.history, elapsed=self.seconds)


def overview(folder: Path) -> Overview:
    """How a run stands.

    Raises ConfigurationError where the folder holds no run or a damaged record, and LogError where its log
    is damaged.
    """
    return Overview(folder, open_run(folder), read_history(folder), holder(folder))


def runs(out: Path) -> Iterator[Path]:
    """The run folders under a folder of results, those of reproductions too."""
    for path in sorted(out.rglob(STUDY)):
        yield path.parent
