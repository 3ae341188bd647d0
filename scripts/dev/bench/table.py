"""Results as text: Markdown that reads well as it is."""

from __future__ import annotations

from collections.abc import Sequence

from dev.bench.measure import RoundRange, Timing

_HEADINGS = ("case", "peer", "times as fast", "range")


def markdown(results: Sequence[Timing], unit: str) -> str:
    """A table with the ratios first; a case is named in its first row."""
    rows = [(*_HEADINGS, unit, "range")]
    case = None
    for result in results:
        title = result.case if result.case != case else ""
        case = result.case
        rows.append((title, result.peer, *_cells(result.ratio), *_cells(result.milliseconds)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def _cells(spread: RoundRange) -> tuple[str, str]:
    return _number(spread.median), f"{_number(spread.least)}–{_number(spread.greatest)}"


def _number(value: float) -> str:
    """Three digits, never an exponent."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:.{digits}f}"
