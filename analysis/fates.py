"""What became of each replicate, beyond its status: degenerate, or blown up.

degenerate: its training has ended, its loss has fallen and converged, and yet it solves nothing.  That is a
property of the setting, which more iterations would not mend; a short training whose loss still falls is
none, however large its error.

blown up: every number is finite, and the loss ends far above where it began, or the error far above that of
the zero function.  Such a replicate has not diverged by status, and is as useless.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.scores import numbers

NOT_SOLVED = 0.5
"""Relative L² error above which nothing is solved; the zero function has 1."""
FELL = 0.1
"""Of its first loss, what a loss that fell has left at most."""
CONVERGED = 0.9
"""Of its median over the third quarter of a training, what the median over the last has left at least."""
BLEW_UP = 10.0
"""Times its first loss, or times the error of the zero function."""
_LEAST = 20
"""Iterations before which no loss is called converged."""


def fates(trials: pd.DataFrame, losses: pd.DataFrame) -> pd.DataFrame:
    """For each row of `trials` whether that replicate is `degenerate` and whether it is `blown_up`.

    losses: trial, replicate, iteration and loss, at every iteration.  Where a replicate has no curve it is
    not degenerate.  Without a reference (no `rel_l2`) it is neither by its error.
    """
    courses = losses.sort_values("iteration").groupby(["trial", "replicate"], sort=False)["loss"]
    known = {key: course.to_numpy(dtype=float) for key, course in courses}
    keys = zip(trials["trial"].astype(str), trials["replicate"].astype(int), strict=True)
    shapes = [_shape(known.get(key, np.empty(0))) for key in keys]
    fell, converged, first = (np.array(each) for each in zip(*shapes, strict=True)) if shapes else [[]] * 3
    last, error = numbers(trials["loss"]), numbers(trials["rel_l2"])
    ended = (trials["status"] == "completed").to_numpy(dtype=bool)
    alive = (~trials["status"].isin(["diverged", "failed"])).to_numpy(dtype=bool) & np.isfinite(last)
    with np.errstate(invalid="ignore"):
        start = np.asarray(first, float)
        grown = (last > start + (BLEW_UP - 1.0) * np.abs(start)) | (error > BLEW_UP)
        nothing = error > NOT_SOLVED
    blown_up = alive & grown
    degenerate = ended & ~blown_up & np.asarray(fell, bool) & np.asarray(converged, bool) & nothing
    return pd.DataFrame({"degenerate": degenerate, "blown_up": blown_up}, index=trials.index)


def _shape(loss: NDArray[np.float64]) -> tuple[bool, bool, float]:
    """Of the losses of one training (iterations,): whether they fell, whether they converged, the first."""
    if not len(loss):
        return False, False, np.nan
    half = len(loss) // 2
    if len(loss) < _LEAST or not np.isfinite(loss[half:]).all():
        return False, False, float(loss[0])
    before, after = (float(np.median(part)) for part in np.array_split(loss[half:], 2))
    first = float(loss[0])
    # Energies may be negative.
    fell = after <= first - (1.0 - FELL) * abs(first)
    return fell, after >= before - (1.0 - CONVERGED) * abs(before), first
