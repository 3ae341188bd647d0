"""The four kinds of reference, and the score of a problem that has none."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from dgm_core import ConfigurationError, Setup, Trainer
from dgm_core.formulation import Axis, Box, Dirichlet, FixedNodes, Holds, Neumann, Periodic, Problem, Table
from dgm_core.formulation.evaluation_set import SOBOL_POINTS, evaluation_set
from dgm_core.formulation.verification import _hint

torch.set_num_threads(1)
SHORT = {"iterations": 40, "width": 8, "depth": 1, "batch_size": 16}


class Bare(Problem):
    """−u″ = 1 with both ends at zero: u = x (1 − x) / 2.  No reference."""

    domain = Box(x=(0.0, 1.0))

    def equation(self, y):
        return y.d("x", "x") + 1.0

    @property
    def conditions(self):
        return {"ends": (self.domain.boundary, Dirichlet())}


class Exact(Bare):
    def reference(self, x):
        return 0.5 * x * (1.0 - x)


class Numerical(Bare):
    """By differences on a grid, exact for a parabola."""

    reference_tolerance = 1e-3
    wrong = 1.0

    def solve(self, refinement):
        nodes = torch.linspace(0.0, 1.0, 50 * 2**refinement + 1, dtype=torch.float64)
        values = self.wrong * 0.5 * nodes * (1.0 - nodes)
        table = Table(nodes[:, None], values[:, None])
        return lambda x: table(x)


def score(problem: Problem, **changes) -> Trainer:
    trainer = Trainer(Setup.named(problem, "plain").changed({**SHORT, **changes}), [0, 1])
    trainer.advance(trainer.setup.config.iterations)
    return trainer


def test_the_kind_follows_from_what_the_class_says() -> None:
    assert [p().reference_kind for p in (Bare, Exact, Numerical)] == ["none", "exact", "numerical"]
    assert [p().metric for p in (Bare, Exact, Numerical)] == ["residual", "mae", "mae"]


def test_a_name_and_settings_come_by_themselves() -> None:
    assert (Bare.name, Bare().default_settings, Bare().outputs) == ("bare", "default", ("u",))
    assert Setup.named(Bare()).config.network == "mlp"


def test_a_wrong_operator_is_refused_for_an_exact_reference() -> None:
    class Twice(Exact):
        def equation(self, y):
            return 2.0 * y.d("x", "x") + 1.0

    with pytest.raises(ConfigurationError, match="does not satisfy its term 'interior'"):
        Twice()


def test_a_wrong_operator_is_refused_for_a_numerical_reference() -> None:
    class Wrong(Numerical):
        def equation(self, y):
            return y.d("x", "x") + 30.0

    with pytest.raises(ConfigurationError, match="by finite differences"):
        Wrong()


@pytest.mark.parametrize(
    ("outside", "told"), [("refused", "cannot be evaluated a little"), ("nan", "is not a number at")]
)
def test_a_numerical_reference_that_ends_at_the_edge_is_told_to_extrapolate(outside: str, told: str) -> None:
    class Bounded(Numerical):
        @property
        def conditions(self):
            slope = Neumann(-0.5)
            return {"left": (self.domain.at(x=0.0), Dirichlet()), "right": (self.domain.at(x=1.0), slope)}

        def solve(self, refinement):
            known = super().solve(refinement)

            def field(x):
                if outside == "refused" and bool((x > 1.0).any()):
                    raise ValueError("out of bounds")
                return torch.where(x > 1.0, math.nan, known(x))

            return field

    with pytest.raises(ConfigurationError, match=rf"{told}.*let it extrapolate"):
        Bounded()


def test_a_numerical_reference_that_has_not_converged_is_refused() -> None:
    class Coarse(Numerical):
        def solve(self, refinement):
            own = super().solve(1)
            return lambda x: own(x) * (1.0 + 0.1 * refinement)

    with pytest.raises(ConfigurationError, match=r"differs from its coarser one by 9\.1e-02"):
        Coarse()


def test_a_missing_method_is_named() -> None:
    class Nothing(Problem):
        domain = Box(x=(0.0, 1.0))

    with pytest.raises(ConfigurationError, match="nothing lacks the method `equation`"):
        Nothing()

    class Nowhere(Problem):
        def equation(self, y):
            return y.value

    with pytest.raises(
        ConfigurationError, match=r"Nowhere lacks domain: write it in the class, as in domain = Box"
    ):
        Nowhere.create({})


def test_residuals_of_other_names_or_shapes_are_refused() -> None:
    class Misnamed(Bare):
        def residuals(self, u, points):
            return {"inside": u(points["interior"])}

    class Flat(Bare):
        def equation(self, y):
            return y.value[..., 0]

    with pytest.raises(ConfigurationError, match="the names must be the same"):
        Misnamed()
    with pytest.raises(
        ConfigurationError, match=r"'interior' of flat has the shape \(1, 5\), .*\[\.\.\., 0\]"
    ):
        Flat()


FILES = {
    "csv": lambda path, frame: frame.to_csv(path, index=False),
    "parquet": lambda path, frame: frame.to_parquet(path),
    "npy": lambda path, frame: np.save(path, frame.to_numpy()),
    "npz": lambda path, frame: np.savez(path, **{name: frame[name].to_numpy() for name in frame}),
}


@pytest.mark.parametrize("suffix", FILES)
def test_a_table_is_read_from_a_file(suffix: str, tmp_path: Path) -> None:
    x = np.linspace(0.0, 1.0, 30)
    path = tmp_path / f"values.{suffix}"
    FILES[suffix](path, pd.DataFrame({"x": x, "u": 0.5 * x * (1 - x)}))
    table = Table.read(path, ["x"])
    assert torch.equal(table(table.points), table.values)
    at = torch.rand(4, 1, dtype=torch.float64)
    torch.testing.assert_close(table(at), 0.5 * at * (1 - at), rtol=1e-8, atol=1e-10)


def test_a_table_says_what_it_lacks(tmp_path: Path) -> None:
    pd.DataFrame({"x": [0.0], "v": [1.0]}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ConfigurationError, match="has no column 'u': it has x, v"):
        Table.read(tmp_path / "a.csv", ["x"])
    (tmp_path / "a.xls").touch()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Table.read(tmp_path / "b.csv", ["x"])
    with pytest.raises(ConfigurationError, match="must end in"):
        Table.read(tmp_path / "a.xls", ["x"])


@pytest.mark.parametrize("interpolate", [False, True])
def test_errors_are_measured_against_a_table(interpolate: bool) -> None:
    nodes = torch.linspace(0.0, 1.0, 17, dtype=torch.float64)[:, None]

    class Measured(Bare):
        table = Table(nodes, 0.5 * nodes * (1 - nodes), interpolate=interpolate)

    problem = Measured()
    assert problem.reference_kind == "table"
    assert len(problem.evaluation_points()) == (40 if interpolate else 17)
    exact, ours = score(Exact()), score(problem)
    if interpolate:
        assert ours.evaluate().mae == pytest.approx(exact.evaluate().mae, rel=1e-6)
    assert all(0 < mae < 1 for mae in ours.evaluate().mae)


def test_without_a_reference_the_score_is_a_residual_that_training_lowers() -> None:
    short, longer = score(Bare(), iterations=1), score(Bare(), iterations=1500)
    before, after = short.evaluate(), longer.evaluate()
    assert list(after.values) == ["residual"]
    assert all(b < 0.2 * a for a, b in zip(before.score, after.score, strict=True))


def test_the_residual_sees_through_a_network_whose_second_derivative_vanishes() -> None:
    """Of ReLUs: automatic differentiation finds u″ = 0 everywhere, and the equation u″ = 0 solved."""

    class Straight(Bare):
        def equation(self, y):
            return y.d("x", "x")

        @property
        def conditions(self):
            return {"ends": (FixedNodes(((0.0,), (0.5,), (1.0,))), Dirichlet(lambda x: (x - 0.5).abs()))}

    faked = score(Straight(), activation="relu", iterations=2000, width=16)
    assert faked.curves.losses[-1, :, 0].max() < 1e-2  # the loss says: solved
    assert min(faked.evaluate().score) > 1.0  # the values say: a kink


@pytest.mark.parametrize("hard", [False, True])
def test_a_periodic_condition_holds_softly_or_exactly(hard: bool) -> None:
    class Around(Problem):
        """u′ = cos x on a circle, u(0) = 0."""

        domain = Box(x=(0.0, 2.0 * math.pi))

        def equation(self, y):
            return y.d("x") - torch.cos(y.x)

        @property
        def conditions(self):
            (x,) = self.domain.axes
            return {
                "around": (self.domain.at(x=0.0), Periodic(x)),
                "start": (FixedNodes(((0.0,),)), Holds(lambda y: y.value)),
            }

        def reference(self, x):
            return torch.sin(x)

    problem = Around()
    assert problem.hard_terms == ("around",)
    trainer = score(problem, hard_conditions=hard)
    ends = torch.tensor([[[0.0], [2.0 * math.pi]]]).expand(2, -1, -1)
    left, right = trainer.network(ends).unbind(dim=1)
    gap = (left - right).abs().max().item()
    assert gap < 1e-5 if hard else gap > 1e-5


def test_many_dimensions_are_evaluated_on_a_sobol_set() -> None:
    cube = Box.of([Axis(f"x{i}", 0.0, 1.0) for i in range(6)])
    points = evaluation_set(cube, 40)
    assert points.shape == (SOBOL_POINTS, 6)
    assert cube.contains(points).all()
    assert torch.equal(points, evaluation_set(cube, 40))
    torch.testing.assert_close(points.mean(0), torch.full((6,), 0.5, dtype=torch.float64), atol=1e-2, rtol=0)


def test_a_reference_that_is_nearly_exact_is_told_how_to_say_so() -> None:
    class Wide(Problem):
        """Its ends are where the solution is nearly zero, as ends of an infinite line are."""

        domain = Box(x=(-5.0, 5.0))

        def equation(self, y):
            return y.d("x", "x") - (4.0 * y.x.square() - 2.0) * y.value

        @property
        def conditions(self):
            return {"ends": (self.domain.boundary, Dirichlet())}

        def reference(self, p):
            return torch.exp(-p.square())

    with pytest.raises(ConfigurationError, match="write reference_tolerance = 1e-10 in") as refused:
        Wide()
    assert "ends" in str(refused.value)
    type("Said", (Wide,), {"reference_tolerance": 1e-10})()


@pytest.mark.parametrize(("size", "scale"), [(1e-9, 0.0), (0.0, 0.0), (math.nan, 1.0), (0.5, 1.0)])
def test_of_a_reference_that_is_wrong_nothing_more_is_said(size: float, scale: float) -> None:
    """Also where a wrong field would leave no residual either."""
    assert _hint(size, scale) == ""
