"""Losses that are energies may be negative: what is said and drawn of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.fates import fates
from analysis.plots.bands import limit


def of_course(losses: list[float], error: float) -> pd.Series:
    trials = pd.DataFrame(
        {"trial": ["a"], "replicate": [0], "status": ["completed"], "loss": losses[-1:], "rel_l2": [error]}
    )
    courses = pd.DataFrame({"trial": "a", "replicate": 0, "iteration": range(len(losses)), "loss": losses})
    return fates(trials, courses).iloc[0]


@pytest.mark.parametrize(
    ("losses", "error", "degenerate", "blown_up"),
    [
        ([-0.1, *[-2.4] * 40], 0.01, False, False),  # falls far below its start: as it should
        ([5.0, *[-2.4] * 40], 2.0, True, False),  # stands still, and solves nothing
        ([5.0, *np.linspace(0.0, -9.0, 40)], 2.0, False, False),  # still falls
        ([-1.0, *[30.0] * 40], 2.0, False, True),
        ([1.0, *[1e-6] * 40], 2.0, True, False),
        ([1.0, *[30.0] * 40], 2.0, False, True),
    ],
)
def test_what_became_of_a_training_is_told_from_energies_too(losses, error, degenerate, blown_up):
    said = of_course(losses, error)
    assert (said["degenerate"], said["blown_up"]) == (degenerate, blown_up)


@pytest.mark.parametrize(("values", "scale"), [([-1.0, 2.0, np.nan], "linear"), ([0.0, 1e-3, np.inf], "log")])
def test_negative_values_have_a_plain_axis(values, scale):
    axis = Figure().subplots()
    limit(axis, [np.array(values)])
    assert axis.get_yscale() == scale
