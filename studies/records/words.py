"""How a run's numbers are said to people who watch it, in a terminal or on a page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from studies.records.history import Entry
from studies.records.schema import LABELS, TELEMETRY_COLUMNS


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
    low, high = entry.spread
    count = len(entry.spec.seeds)
    return f"{LABELS[metric]} {number(entry.score)} [{number(low)} … {number(high)}] (n = {count})"


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
