"""`scripts/calibrate`: which setups the cost model is compared on."""

from __future__ import annotations

import pytest
from scipy.stats import qmc

from dev import calibrate
from dgm_core.training.optimizers import OPTIMIZERS, Minimiser


def test_second_order_setups_cover_every_method_with_and_without_hard_conditions(monkeypatch):
    monkeypatch.setattr(calibrate, "PROBLEMS", ("heat", "exponential-decay"))
    setups = [calibrate._drawn_second(point) for point in qmc.Sobol(8, seed=0).random(32)]
    methods = {name for name in OPTIMIZERS if issubclass(OPTIMIZERS.get(name), Minimiser)}
    drawn = {(setup.config.optimizer, setup.config.hard_conditions) for setup, _ in setups}
    assert drawn == {(name, hard) for name in methods for hard in (True, False)}
    assert {replicates for _, replicates in setups} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize(("draw", "names"), [("_drawn", {"adam"}), ("_drawn_second", {"gauss-newton"})])
def test_a_setup_is_measured_beside_its_model(monkeypatch, draw, names):
    monkeypatch.setattr(calibrate, "PROBLEMS", ("exponential-decay",))
    monkeypatch.setattr(calibrate, "_SECONDS", 0.01)
    dimensions = 7 if draw == "_drawn" else 8
    row = calibrate._measured(*getattr(calibrate, draw)([0.1] * dimensions))
    assert row["optimizer"] in names
    assert row["ratio"] == pytest.approx(row["milliseconds"] / row["model"])
