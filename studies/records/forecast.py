"""How long a study will go on, from the sizes of its own trials and how fast they were trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from studies.records.history import Entry, History
from studies.records.schema import StudyRecord

_MOST_OVERHEAD = 2.0
"""More than that is Ray's start, which does not come again."""


def planned(record: StudyRecord) -> dict[str, int]:
    """Phase -> how many trials it has where the study is run to its end."""
    if record.kind == "search":
        together = record.replicates
        parts = -(-len(record.seeds["confirm"]) // together)
        rivals = (record.definition.get("confirm_top", 1) - 1) * parts
        later = {"rivals": rivals} if rivals else {}
        return {"search": record.trials_asked, "confirm": 2 * parts, **later}
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
    often as it did the others.  One still to come takes what those of its phase took, or in an ablation what
    its nominal cost says.  A polish counts as the optimizer steps that it nominally costs.  What the study
    has spent besides training goes on in proportion.  A search takes no longer than its limit leaves it.

    elapsed: seconds for which it has run.  reached: iterations of trials under way, where more is known than
    the log says.  polished: how much of its window's polish each of them has done that is in one, 0 … 1.
    """
    reached, polished = reached or {}, polished or {}
    entries = list(history.entries.values())
    trained = sum(_trained(entry, reached, polished) for entry in entries)
    if not trained:
        return None
    overhead = min(_MOST_OVERHEAD, max(1.0, elapsed * record.cores / trained))
    work = {phase: _Work() for phase in planned(record)}
    for phase, asked in planned(record).items():
        in_phase = history.phase(phase)
        share = _share(in_phase) if phase == "search" else 1.0
        for entry in in_phase:
            if entry.running:
                ahead = _asked(entry) - _steps(entry, reached, polished)
                work[phase].add(ahead * share * _seconds_each(entry, entries), begun=True)
        to_come = 0 if phase == "search" and history.cut else max(0, asked - len(in_phase))
        if to_come and record.arm_seconds:
            work[phase].add(_arms_to_come(record, in_phase, asked, entries), count=to_come)
        elif to_come:
            each = _typical(in_phase or entries, entries, share)
            work[phase].add(to_come * each, count=to_come)
    limit = _limit(record)
    if limit is None or "search" not in work:
        return _Work.of(work.values()).left(record.cores, overhead)
    # What the limit cuts is the search; its confirmation follows.
    searched = min(work.pop("search").left(record.cores, overhead), max(0.0, limit - elapsed))
    return searched + _Work.of(work.values()).left(record.cores, overhead)


@dataclass
class _Work:
    """Seconds of training before some trials: of the longest under way, of all, and how many they are."""

    longest: float = 0.0
    total: float = 0.0
    count: int = 0

    def add(self, seconds: float, *, count: int = 1, begun: bool = False) -> None:
        """Adds a trial under way, or some that are still to come."""
        self.total, self.count = self.total + seconds, self.count + count
        self.longest = max(self.longest, seconds if begun else 0.0)

    def left(self, cores: int, overhead: float) -> float:
        """Seconds on the wall."""
        if not self.count:
            return 0.0
        return max(self.longest, overhead * self.total / min(cores, self.count))

    @classmethod
    def of(cls, parts: Iterable[_Work]) -> _Work:
        """All of them together."""
        total = cls()
        for part in parts:
            total.longest = max(total.longest, part.longest)
            total.total, total.count = total.total + part.total, total.count + part.count
        return total


def _limit(record: StudyRecord) -> float | None:
    """Seconds on the wall after which a search is cut, as far as they can be told; None without a limit."""
    held = record.definition
    if (seconds := held.get("time_limit")) is not None:
        return float(seconds)
    if (budget := held.get("budget")) is not None:  # on fewer cores than virtual workers it takes longer
        return float(budget) * max(1.0, held.get("workers", 1) / max(1, record.cores))
    return None


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


def _arms_to_come(record: StudyRecord, in_phase: list[Entry], asked: int, entries: list[Entry]) -> float:
    """Seconds of the trials that have not begun: nominal ones, times what those measured took of theirs."""
    nominal, times = record.arm_seconds, asked // len(record.arm_seconds)
    measured = [entry for entry in entries if entry.measured is not None and entry.spec.key in nominal]
    took = sum(_asked(entry) * _seconds_each(entry, entries) for entry in measured)
    known = sum(nominal[entry.spec.key] for entry in measured)
    begun = Counter(entry.spec.key for entry in in_phase)
    left = sum(max(0, times - begun[arm]) * seconds for arm, seconds in nominal.items())
    return left * took / known if known else left


def _typical(in_phase: list[Entry], entries: list[Entry], share: float) -> float:
    """Seconds of a trial that has not begun."""
    each = [_asked(entry) * _seconds_each(entry, entries) for entry in in_phase]
    return share * sum(each) / len(each)
