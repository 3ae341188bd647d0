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
    record: StudyRecord,
    history: History,
    *,
    elapsed: float,
    reached: Mapping[str, int] | None = None,
    polished: Mapping[str, float] | None = None,
) -> float | None:
    """Seconds until the study's last trial ends; None while no trial has been measured.

    A trial under way has its own iterations before it, at its own speed, of which a search stops it early as
    often as it did the others; one still to come takes what those of its phase took.  A polish counts as the
    optimizer steps that it nominally costs.  What the study has spent besides training goes on in
    proportion.  elapsed: seconds for which it has run.  reached: iterations of trials under way, where more
    is known than the log says.  polished: how much of its window's polish each of them has done that is in
    one, 0 … 1.
    """
    reached, polished = reached or {}, polished or {}
    entries = list(history.entries.values())
    trained = sum(_trained(entry, reached, polished) for entry in entries)
    if not trained:
        return None
    longest = total = 0.0
    count = 0
    for phase, asked in planned(record).items():
        own = history.phase(phase)
        share = _share(own) if phase == "search" else 1.0
        for entry in own:
            if entry.running:
                ahead = _asked(entry) - _steps(entry, reached, polished)
                rest = ahead * share * _seconds_each(entry, entries)
                longest, total, count = max(longest, rest), total + rest, count + 1
        to_come = 0 if phase == "search" and history.cut else max(0, asked - len(own))
        total, count = total + to_come * _typical(own or entries, entries, share), count + to_come
    if not count:
        return 0.0
    overhead = min(_MOST_OVERHEAD, max(1.0, elapsed * record.cores / trained))
    return max(longest, overhead * total / min(record.cores, count))


def _steps(
    entry: Entry, reached: Mapping[str, int] | None = None, polished: Mapping[str, float] | None = None
) -> float:
    """Optimizer steps that a trial has done, a polish counted as those that it nominally costs.

    As it was last measured; further where `reached` and `polished` say so, or the log of a polish.
    """
    iterations, share = entry.iterations, None
    if reached is not None:
        known = entry.polishing
        if known is not None and known.iterations >= iterations:
            iterations, share = known.iterations, known.done / known.of
        if (now := reached.get(entry.trial, 0)) >= iterations and now:
            iterations, share = now, (polished or {}).get(entry.trial)
    windows = _windows(entry)
    # Window j ends at iteration (j + 1) · asked // windows.
    ended: float = min(windows, -(-windows * (iterations + 1) // max(1, entry.asked)) - 1)
    if share is not None:
        ended += share - 1.0
    return iterations + entry.spec.polish * max(0.0, ended)


def _asked(entry: Entry) -> float:
    """Optimizer steps to a trial's own end, likewise."""
    return entry.asked + entry.spec.polish * _windows(entry)


def _windows(entry: Entry) -> int:
    return int(entry.spec.config.get("windows", 1))


def _share(entries: list[Entry]) -> float:
    """Of the steps that they asked for, those that ended ones ran; 1 before the first has."""
    ended = [entry for entry in entries if not entry.running]
    asked = sum(_asked(entry) for entry in ended)
    return sum(_steps(entry) for entry in ended) / asked if asked else 1.0


def _seconds_each(entry: Entry, others: list[Entry]) -> float:
    """Seconds of one step of a trial; before it was measured, of all trials together."""
    if entry.measured is not None and entry.iterations:
        return entry.measured.seconds / _steps(entry)
    measured = [other for other in others if other.measured is not None]
    ran = sum(_steps(other) for other in measured)
    return sum(other.measured.seconds for other in measured if other.measured) / ran if ran else 0.0


def _trained(entry: Entry, reached: Mapping[str, int], polished: Mapping[str, float]) -> float:
    """Seconds of training that a trial has had."""
    if entry.measured is None or not entry.iterations:
        return 0.0
    return entry.measured.seconds * _steps(entry, reached, polished) / _steps(entry)


def _typical(own: list[Entry], entries: list[Entry], share: float) -> float:
    """Seconds of a trial that has not begun."""
    each = [_asked(entry) * _seconds_each(entry, entries) for entry in own]
    return share * sum(each) / len(each)
