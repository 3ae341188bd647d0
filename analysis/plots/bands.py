"""A median with its band over replicates, infinite values cut off at the edge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

Array = NDArray[np.float64]


def draw_band(
    axis: Axes, x: Array, middle: Array, low: Array, high: Array, *, alpha: float = 0.18, **look: Any
) -> None:
    """A line through the finite medians and the band between two ends, (m,) each.

    Where the upper end is infinite, because replicates diverged, the band stops at the median.
    """
    axis.plot(x, np.where(np.isfinite(middle), middle, np.nan), **look)
    top = np.where(np.isinf(high), middle, high)
    known = np.isfinite(low) & np.isfinite(top)
    if known.any() and not np.array_equal(low[known], top[known]):
        axis.fill_between(x, low, top, where=known, color=look.get("color"), alpha=alpha, linewidth=0)


def limit(axis: Axes, values: Iterable[Array], *, room: float = 2.0) -> None:
    """A logarithmic y axis over the positive finite values and a factor of room; a plain one where some are
    negative, as energies may be."""
    joined = np.concatenate([np.ravel(array) for array in values] or [np.array([])])
    joined = joined[np.isfinite(joined)]
    if (joined < 0).any():
        axis.set_yscale("linear")
        return
    joined = joined[joined > 0]
    axis.set_yscale("log")
    if len(joined):
        axis.set_ylim(joined.min() / room, joined.max() * room)
