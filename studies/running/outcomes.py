"""Which trial wins, and what a confirmation says of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dgm_core import Status
from studies.records import Outcome
from studies.records.intervals import confirmed
from studies.running.collect import resolved
from studies.running.entries import TrialEntry
from studies.running.trainable import SCORE

if TYPE_CHECKING:
    from studies.running.journal import Journal


def best_trial(journal: Journal) -> TrialEntry | None:
    """The completed trial of the lowest score; None where none completed."""
    completed = [entry for entry in journal.entries.values() if entry.status == Status.COMPLETED]
    return min(completed, key=lambda entry: entry.result[SCORE], default=None)


def outcome(entries: Sequence[TrialEntry], trial: str) -> Outcome:
    """A confirmed setting with its median error and the interval over the seeds of all its trials."""
    scores = [score for entry in entries for score in entry.result["replicates"]["scores"]]
    return Outcome(trial=trial, config=resolved(entries[0].setup), score=confirmed(scores))
