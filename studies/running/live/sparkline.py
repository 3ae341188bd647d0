"""A curve in one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
WIDTH = 24


def sparkline(values: Sequence[float], width: int = WIDTH) -> str:
    """The course of positive values on a logarithmic scale, in at most `width` letters; the last one counts.

    A value that is not finite or not above zero is a gap.
    """
    shown = _thinned(values, width)
    logs = [math.log(value) if math.isfinite(value) and value > 0 else None for value in shown]
    known = [value for value in logs if value is not None]
    if not known:
        return ""
    low, span = min(known), max(known) - min(known)
    top = len(_BARS) - 1
    return "".join(
        " " if value is None else _BARS[round((value - low) / span * top) if span else 0] for value in logs
    )


def _thinned(values: Sequence[float], width: int) -> list[float]:
    """At most `width` of the values, evenly spread, the first and the last among them."""
    if len(values) <= width:
        return list(values)
    return [values[round(place * (len(values) - 1) / (width - 1))] for place in range(width)]
