"""The error along a parameter that is an input."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from analysis import plots
from analysis.family import PARTS, family_table
from analysis.plots import style
from tests.analysis import synthetic_shapes


def test_the_error_of_each_part_is_that_of_its_points(tmp_path: Path) -> None:
    run = synthetic_shapes.solved_run(tmp_path / "run", "family")
    found = family_table(run)
    assert len(found) == PARTS
    assert set(found["parameter"]) == {"p"}
    assert (found["least"] <= found["rel_l2"]).all()
    assert (found["rel_l2"] <= found["greatest"]).all()
    table = run.solutions
    first = table[table["p"] < -1.0 + 2.0 / PARTS]
    errors = [
        np.linalg.norm(own["prediction_u"] - own["reference_u"]) / np.linalg.norm(own["reference_u"])
        for _, own in first.groupby("replicate")
    ]
    np.testing.assert_allclose(found["rel_l2"][0], np.median(errors))
    assert "error-along-p" in plots.figures(run)


def test_a_problem_that_is_no_family_has_no_such_table(tmp_path: Path) -> None:
    run = synthetic_shapes.solved_run(tmp_path / "run", "three axes")
    assert family_table(run).empty


def test_a_diverged_replicate_is_the_greatest_error_of_each_part(tmp_path: Path) -> None:
    run = synthetic_shapes.solved_run(tmp_path / "run", "family")
    before = family_table(run)
    solutions = run.solutions
    solutions.loc[solutions["replicate"] == 0, "prediction_u"] = np.nan  # the table is kept with the run
    trials = run.trials.assign(status=run.trials["status"].mask(run.trials["replicate"] == 0, "diverged"))
    diverged = dataclasses.replace(run, trials=trials)
    diverged.__dict__["solutions"] = solutions
    table = family_table(diverged)
    assert np.isposinf(table["greatest"]).all()
    assert np.isfinite(table["least"]).all()
    assert (table["rel_l2"] >= before["rel_l2"]).all()
    _, caption = style.explained(plots.figures(diverged)["error-along-p"])
    assert caption.endswith("cut off at the median where some diverged.")
