"""Aligned, thinned and interpolated curves of replicates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from analysis.arms import arm_rows
from analysis.curves import Curve, arm_curves, at, band, curve, thinned
from analysis.load import Run
from analysis.scores import trial_scores

COST = {"iterations": 1.0, "points": 10.0, "seconds": 0.5}


def test_a_curve_has_a_column_for_each_replicate(run: Callable[[str], Run]) -> None:
    found = run("batch-size")
    rows = arm_rows(found)["4"]
    loss = curve(found, rows, "loss")
    assert loss.values.shape == (3000, 5)
    assert loss.cost["points"] == 4
    mae = curve(found, rows, "score")
    assert mae.values[-1] == pytest.approx(rows["mae"].to_numpy(dtype=float))
    assert arm_curves(found, "loss", until=100)["4"].iterations[-1] == 100
    assert arm_curves(found, "loss")["4"].values == pytest.approx(loss.values)


def test_a_replicate_is_infinite_from_its_divergence_on(run: Callable[[str], Run]) -> None:
    found = run("batch-size")
    loss = curve(found, arm_rows(found)["1"], "loss")
    assert np.isfinite(loss.values[:39]).all()
    assert np.isinf(loss.values[39:, 0]).all()
    assert np.isfinite(loss.values[:, 1:]).all()


def test_thinning_takes_medians_of_bins() -> None:
    steps = np.arange(1.0, 10_001)
    full = Curve(steps, np.column_stack([steps, np.full_like(steps, np.inf)]), COST)
    short = thinned(full, bins=100)
    assert len(short.iterations) <= 100
    assert short.iterations[0] == 1
    assert short.values[:, 0] == pytest.approx(short.iterations)
    assert np.isinf(short.values[:, 1]).all()
    ratios = short.iterations[-20:] / short.iterations[-21:-1]
    assert ratios == pytest.approx(ratios[0], rel=0.02)  # evenly spaced in the logarithm
    assert (
        thinned(Curve(steps[:50], full.values[:50], COST), bins=100).iterations.tolist()
        == steps[:50].tolist()
    )


def test_the_band_is_the_interval_of_the_median() -> None:
    middle, low, high = band(np.array([[3.0, 1.0, 2.0, 5.0, np.inf]]))
    assert (middle[0], low[0], high[0]) == (3.0, 1.0, np.inf)


def test_reading_at_a_budget_interpolates_in_log_log() -> None:
    full = Curve(np.array([1.0, 100.0]), np.array([[1.0, 1.0], [1e-4, np.inf]]), COST)
    assert at(full, "iterations", 10.0)[0] == pytest.approx(1e-2)
    assert at(full, "points", 100.0)[0] == pytest.approx(1e-2)
    assert at(full, "seconds", 50.0)[0] == pytest.approx(1e-4)
    assert np.isinf(at(full, "iterations", 10.0)[1])
    assert at(full, "iterations", 1.0).tolist() == [1.0, 1.0]
    assert np.isnan(at(full, "iterations", 0.5)).all()
    assert np.isnan(at(full, "iterations", 101.0)).all()


def test_a_trial_is_diverged_when_half_of_it_is(run: Callable[[str], Run]) -> None:
    trials = trial_scores(run("search").phase("search")).set_index("trial")
    assert trials.loc["t04", "status"] == "diverged"
    assert np.isinf(trials.loc["t04", "score"])
    assert trials.loc["t06", "status"] == "completed"
    assert trials.loc["t06", "diverged"] == 1
    rows = run("search").trials.query("trial == 't06'")
    # The median of three with one infinite is the larger of the two others.
    assert trials.loc["t06", "score"] == pytest.approx(rows["mae"].max())
    assert trials.loc["t09", "status"] == "failed"
    assert np.isnan(trials.loc["t09", "score"])
