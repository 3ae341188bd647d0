"""What a diverged replicate counts as, wherever the values of several become one number.

As the worst there is: infinity.  It is never dropped, so a median is infinite as soon as half of the
replicates diverged, and a training of which only the survivors would look good does not.  Tables, figures,
event files and the records themselves all reduce by `median`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def ranked(values: ArrayLike | Iterable[float | None], diverged: ArrayLike = False) -> Array:
    """Values as every reduction takes them: infinity where a replicate diverged, or has no number.

    values: any shape, None and NaN where there is no number.  diverged: whether, of a shape that fits.
    """
    numbers = np.asarray(values if isinstance(values, np.ndarray) else list(values), dtype=float)  # type: ignore[arg-type]
    return np.where(np.asarray(diverged, dtype=bool) | np.isnan(numbers), np.inf, numbers)


def median(values: ArrayLike | Iterable[float | None], axis: int = -1) -> Array:
    """Median over the replicates on one axis, the others kept; NaN of none.  See `ranked`."""
    numbers = ranked(values)
    if not numbers.shape[axis]:
        return np.full(np.delete(numbers.shape, axis), np.nan)
    return np.asarray(np.median(numbers, axis=axis))
