"""A trained field in hand: what it takes, what it gives, and its way to disk and back."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import torch

from dgm_core import ConfigurationError, Trainer
from dgm_core.formulation import Ball, Dirichlet, Problem
from dgm_core.training import Setup, TrainedField, load_field, save_model

SEEDS = [3, 8, 11]


class Disc(Problem):
    """Δu = 4 with u = x² + y² on the edge of a disc."""

    domain = Ball()

    def equation(self, y):
        return y.laplacian() - 4.0

    @property
    def conditions(self):
        return {"edge": (self.domain.boundary, Dirichlet(1.0))}


@pytest.fixture
def field(make_setup, tmp_path) -> TrainedField:
    trainer = Trainer(make_setup("heat", iterations=5), SEEDS)
    trainer.advance(5)
    save_model(trainer.result(), tmp_path / "field.pt")
    return load_field(tmp_path / "field.pt")


POINTS = np.array([[0.5, 0.1], [1.5, 0.2], [3.0, 2.5], [0.1, 3.0]])


def test_tensors_arrays_and_frames_are_the_same_points(field):
    x = torch.from_numpy(POINTS)
    expected = field(x.expand(3, -1, -1))
    assert expected.shape == (3, 4, 1)
    assert torch.equal(field(x), expected)
    assert isinstance(field(POINTS), np.ndarray)
    np.testing.assert_array_equal(field(POINTS), expected.numpy())
    frame = pd.DataFrame({"t": POINTS[:, 1], "note": "a", "x": POINTS[:, 0]})
    np.testing.assert_array_equal(field(frame), expected.numpy())


def test_it_is_summed_up_by_output(field):
    values = field(POINTS)[..., 0]
    found = field.predict(POINTS)
    np.testing.assert_array_equal(found["u"], np.median(values, axis=0))
    np.testing.assert_array_equal(found["u_low"], values.min(axis=0))
    np.testing.assert_array_equal(found["u_high"], values.max(axis=0))
    frame = pd.DataFrame(POINTS, columns=["x", "t"], index=[7, 8, 9, 10])
    told = field.predict(frame)
    assert list(told) == ["x", "t", "u", "u_low", "u_high"]
    assert list(told.index) == [7, 8, 9, 10]
    np.testing.assert_array_equal(told["u"], found["u"])


def test_replicates_are_fields_of_their_own(field):
    each = field.replicates
    assert [one.seeds for one in each] == [(3,), (8,), (11,)]
    together = field(POINTS)
    for k, one in enumerate(each):
        np.testing.assert_allclose(one(POINTS)[0], together[k], rtol=1e-12)
    np.testing.assert_allclose(
        each[1].derivative("x")(POINTS)[0], field.derivative("x")(POINTS)[1], rtol=1e-12
    )


def test_derivatives_are_fields_and_those_of_the_function(field):
    second = field.derivative("x", "x")
    assert second.outputs == ("d2u/dx2",)
    assert field.derivative("x", "t").outputs == ("d2u/dxdt",)
    step = np.array([1e-4, 0.0])
    between = (field(POINTS + step) - 2 * field(POINTS) + field(POINTS - step)) / 1e-8
    np.testing.assert_allclose(second(POINTS), between, atol=1e-5)
    once = field.derivative("x").derivative("x")
    np.testing.assert_allclose(once(POINTS), second(POINTS), rtol=1e-10)
    assert set(second.predict(POINTS)) == {"d2u/dx2", "d2u/dx2_low", "d2u/dx2_high"}
    with pytest.raises(ConfigurationError, match="unknown axis 'y'"):
        field.derivative("y")


def test_it_is_saved_again(field, tmp_path):
    field.save(tmp_path / "again.pt")
    np.testing.assert_array_equal(load_field(tmp_path / "again.pt")(POINTS), field(POINTS))


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (np.array([[0.5, 3.5]]), "1 of 1 points are outside the domain of heat, the first in row 0"),
        (np.array([[0.5]]), r"shape \(1, 1\) .* heat has the axes x, t, so that n points are \(n, 2\)"),
        (pd.DataFrame({"x": [0.5], "time": [1.0]}), "has no column 't': heat has the axes x, t"),
    ],
)
def test_points_of_no_meaning_are_refused(field, points, words):
    with pytest.raises(ConfigurationError, match=words):
        field.predict(points)


def test_the_corner_of_a_disc_s_box_is_outside():
    trainer = Trainer(Setup.named(Disc(), "plain").changed({"iterations": 1, "width": 4}), [0])
    field = TrainedField(trainer.network.double())
    assert set(field.predict(np.array([[0.0, 1.0], [0.5, 0.5]]))) == {"u", "u_low", "u_high"}
    with pytest.raises(ConfigurationError, match="1 of 2 points are outside"):
        field.predict(np.array([[0.0, 0.0], [0.9, 0.9]]))


def test_a_class_that_was_imported_is_found(tmp_path, monkeypatch):
    """It is in no loaded file, and the script that reads the field does not define it either."""
    module = ModuleType("somebody_s_equations")
    kind = type("Somebody", (Disc,), {"__module__": module.__name__})
    monkeypatch.setitem(sys.modules, module.__name__, module)
    trainer = Trainer(Setup.named(kind(), "plain").changed({"iterations": 1, "width": 4}), [0])
    save_model(trainer.result(), tmp_path / "field.pt")
    assert type(load_field(tmp_path / "field.pt").problem) is kind
