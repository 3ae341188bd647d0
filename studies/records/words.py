"""How a run's numbers are said to people who watch it, in a terminal or on a page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dgm_core.errors import counted, listed
from studies.records.schema import LABELS, TELEMETRY_COLUMNS

if TYPE_CHECKING:
    from studies.records.history import Entry

__all__ = [
    "agree",
    "clock",
    "count",
    "counted",
    "counted_between",
    "listed",
    "number",
    "reach",
    "rungs",
    "share",
    "spread",
    "telemetry",
]


def count(number: float, noun: str, several: str = "") -> str:
    """The same as a sentence has it: "no trial", "1 trial", "1,200 trials"."""
    return counted(number, noun, several) if number else f"no {noun}"


def agree(number: float, singular: str, plural: str) -> str:
    """The verb after a number: "1 trial is", "2 trials are", and as `count` has it "no trial is"."""
    return singular if number in (0, 1) else plural


def share(part: int, whole: int, noun: str, several: str = "") -> str:
    """A part of a whole: "0 of 1 trial", "3 of 24 trials"."""
    return f"{part:,} of {counted(whole, noun, several)}"


def counted_between(least: int, most: int, noun: str) -> str:
    """A number that is not the same everywhere: "5 seeds", "3 to 5 seeds"."""
    return counted(most, noun) if least == most else f"{least:,} to {counted(most, noun)}"


def reach(low: str, high: str) -> str:
    """The lowest and the highest of some values; `[a, b]` is an interval, and nothing else is written so."""
    return f"from {low} to {high}"


def clock(seconds: float) -> str:
    """Hours where there are any, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def number(value: float) -> str:
    """An error to two digits, or ∞."""
    return f"{value:.1e}" if math.isfinite(value) else "∞"


def spread(entry: Entry, metric: str) -> str:
    """A trial's score with the lowest and the highest of its replicates, and how many there are."""
    replicates = len(entry.spec.seeds)
    ends = f", {reach(*map(number, entry.spread))}" if replicates > 1 else ""
    return f"{LABELS[metric]} {number(entry.score)}{ends} (n = {replicates})"


def telemetry(values: Mapping[str, Any]) -> tuple[str, str, str]:
    """Iterations per second, memory in MiB and share of evaluation, as reported; "–" where unknown."""
    speed, memory, share = (values.get(column) for column in TELEMETRY_COLUMNS)
    return (
        "–" if speed is None else f"{speed:.0f}" if speed >= 10 else f"{speed:.2g}",
        "–" if memory is None else f"{memory:.0f}",
        "–" if share is None else f"{100 * share:.0f} %",
    )


def rungs(counts: Mapping[int, tuple[int, int]]) -> str:
    """What early stopping did at each rung; empty where it has not looked at a trial."""
    said = [f"{rung:,}: {stopped} of {looked}" for rung, (looked, stopped) in counts.items()]
    return f"stopped at rung {' · '.join(said)}" if said else ""
