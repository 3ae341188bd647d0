"""How long a study will go on, from the sizes of its own trials and how fast they were trained."""

from __future__ import annotations

from collections.abc import Mapping

from studies.records.history import Entry, History
from studies.records.schema import StudyRecord

_MOST_OVERHEAD = 2.0
"""More than that is Ray's start, which does not come again."""


def planned(record: StudyRecord) -> dict[str, int]:
    """Phase -> how many trials it has where the study is run to its end."""
    if record.kind == "search":
        together = record.replicates
        return {"search": record.trials_asked, "confirm": 2 * -(-len(record.seeds["confirm"]) // together)}
    if record.kind == "ablation":
        rates = record.definition.get("rates", ()) if record.definition.get("tuned_rate") else ()
        return {"tune": record.trials_asked * len(rates), "ablation": record.trials_asked}
    return {record.kind: record.trials_asked}


def seconds_left(
    record: StudyRecord, history: History, *, elapsed: float, reached: Mapping[str, int] | None = None
) -> float | None:
    """Seconds until the study's last trial ends; None while no trial has been measured.

    A trial under way has its own iterations before it, at its own speed, of which a search stops it early as
    often as it did the others; one still to come takes what those of its phase took.  What the study has
    spent besides training goes on in proportion.  elapsed: seconds for which it has run.  reached:
    iterations of trials under way, where more is known than the log says.
    """
    reached = reached or {}
    entries = list(history.entries.values())
    trained = sum(_trained(entry, reached) for entry in entries)
    if not trained:
        return None
    longest = total = 0.0
    count = 0
    for phase, asked in planned(record).items():
        own = history.phase(phase)
        share = _share(own) if phase == "search" else 1.0
        for entry in own:
            if entry.running:
                ahead = entry.asked - _reached(entry, reached)
                rest = ahead * share * _seconds_each(entry, entries)
                longest, total, count = max(longest, rest), total + rest, count + 1
        to_come = 0 if phase == "search" and history.cut else max(0, asked - len(own))
        total, count = total + to_come * _typical(own or entries, entries, share), count + to_come
    if not count:
        return 0.0
    overhead = min(_MOST_OVERHEAD, max(1.0, elapsed * record.cores / trained))
    return max(longest, overhead * total / min(record.cores, count))


def _reached(entry: Entry, reached: Mapping[str, int]) -> int:
    return max(entry.iterations, reached.get(entry.trial, 0))


def _share(entries: list[Entry]) -> float:
    """Of the iterations that they asked for, those that ended ones ran; 1 before the first has."""
    ended = [entry for entry in entries if not entry.running]
    asked = sum(entry.asked for entry in ended)
    return sum(entry.iterations for entry in ended) / asked if asked else 1.0


def _seconds_each(entry: Entry, others: list[Entry]) -> float:
    """Seconds of one iteration of a trial; before it was measured, of all trials together."""
    if entry.measured is not None and entry.iterations:
        return entry.measured.seconds / entry.iterations
    measured = [other for other in others if other.measured is not None]
    ran = sum(other.iterations for other in measured)
    return sum(other.measured.seconds for other in measured if other.measured) / ran if ran else 0.0


def _trained(entry: Entry, reached: Mapping[str, int]) -> float:
    """Seconds of training that a trial has had."""
    if entry.measured is None or not entry.iterations:
        return 0.0
    return entry.measured.seconds * _reached(entry, reached) / entry.iterations


def _typical(own: list[Entry], entries: list[Entry], share: float) -> float:
    """Seconds of a trial that has not begun."""
    each = [entry.asked * _seconds_each(entry, entries) for entry in own]
    return share * sum(each) / len(each)
