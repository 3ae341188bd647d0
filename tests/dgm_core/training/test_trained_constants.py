"""Unknown constants are trained beside the network, by each replicate for itself."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core import ConfigurationError, Setup, Trainer
from dgm_core.formulation import Box, Dirichlet, Holds, InitialValueProblem, Measured, Problem, Table, Trained
from dgm_core.training import save_model
from dgm_core.training.evaluation import Evaluation
from dgm_core.training.model import load_solution
from dgm_core.training.program import export_program
from dgm_core.training.solution import Solution

torch.set_num_threads(1)

T = torch.linspace(0.1, 4.0, 20, dtype=torch.float64)[:, None]
DATA = Table(T, 1.0 / (1.0 + 0.5 * T))


class Kinetics(Problem):
    """y′ = −k y², y(0) = 1, from 20 measurements of y = 1 / (1 + t / 2)."""

    outputs = ("y",)
    domain = Box(t=(0.0, 4.0))
    k: float = Trained(1.0, positive=True, truth=0.5)

    def equation(self, y):
        return y.d("t") + self.k * y.value**2

    @property
    def conditions(self):
        return {"start": (self.domain.initial, Dirichlet(1.0)), "data": Measured(DATA)}

    def reference(self, x):
        return 1.0 / (1.0 + self.k * x)


class Eigen(Problem):
    """−u″ = λ u, u(0) = u(1) = 0, u′(0) = π: the lowest pair is sin π x and π²."""

    domain = Box(x=(0.0, 1.0))
    eigenvalue = Trained(6.0, positive=True, truth=math.pi**2)

    def equation(self, y):
        return y.d("x", "x") + self.eigenvalue * y.value

    @property
    def conditions(self):
        slope = Holds(lambda y: y.d("x") - math.pi)
        return {"ends": (self.domain.boundary, Dirichlet()), "slope": (self.domain.at(x=0.0), slope)}

    def reference(self, x):
        return torch.sin(math.pi * x)


def trained(problem: Problem, seeds=(0, 1), **changes) -> Trainer:
    short = {"iterations": 150, "width": 8, "depth": 1, "batch_size": 16}
    polish = {"polish_iterations": 80, "polish_points": 30}
    trainer = Trainer(Setup.named(problem).changed({**short, **polish, **changes}), list(seeds))
    trainer.advance(trainer.setup.config.iterations)
    return trainer


def test_an_inverse_problem_finds_its_constant_and_the_solution() -> None:
    result = trained(Kinetics()).result()
    assert result.constants["k"] == pytest.approx([0.5, 0.5], abs=5e-3)
    assert max(result.errors.mae) < 5e-3
    assert len(set(result.constants["k"])) == 2


def test_an_eigenvalue_is_a_constant_too() -> None:
    result = trained(Eigen(), polish_iterations=100).result()
    assert result.constants["eigenvalue"] == pytest.approx(2 * [math.pi**2], rel=1e-2)
    assert max(result.errors.mae) < 1e-2


class Product(Kinetics):
    """The same with k = a b, of which the data know the product alone."""

    k: float = Trained(1.0, positive=True, truth=0.5)
    b: float = Trained(1.0, positive=True, truth=1.0)

    def equation(self, y):
        return y.d("t") + self.k * self.b * y.value**2


def test_what_the_data_cannot_tell_is_said_after_the_training() -> None:
    short = {"iterations": 3, "polish_iterations": 0}
    (said,) = trained(Product(), **short).result().notes
    assert "k and b of product are not determined, only a combination of them" in said
    assert "k by +1 %, b by -1 %" in said
    assert not trained(Kinetics(), **short).result().notes
    kind = type("Meant", (Product,), {"well_posed": False})
    assert not trained(kind(), **short).result().notes


def test_replicates_that_do_not_agree_are_told() -> None:
    trainer = trained(Kinetics(), iterations=3, polish_iterations=0)
    with torch.no_grad():
        trainer.network.piece(0).constants.get_parameter("k")[0] += 2.0
    (said,) = trainer.result().notes
    assert "do not agree on the constant k" in said


def test_each_replicate_fits_its_own_as_it_would_alone() -> None:
    together = trained(Kinetics(), seeds=(3, 4), polish_iterations=0).result().constants["k"]
    alone = [trained(Kinetics(), seeds=(s,), polish_iterations=0).result().constants["k"][0] for s in (3, 4)]
    assert together == pytest.approx(alone, rel=1e-4)
    assert together[0] != together[1]


def test_a_start_is_a_parameter_and_a_constant_in_no_record_but_as_a_number() -> None:
    problem = Kinetics.create({"k": 0.7})
    assert problem.parameters() == {"k": 0.7}
    assert type(problem.parameters()["k"]) is float
    assert Kinetics().parameters() == {"k": 1.0}
    trainer = trained(problem, iterations=1, polish_iterations=0, learning_rate=1e-9)
    assert trainer.result().constants["k"] == pytest.approx([0.7, 0.7])
    assert torch.equal(
        trainer.evaluation.reference, Kinetics().with_true_constants().reference(problem.evaluation_points())
    )


def test_constants_are_kept_with_the_weights_and_resumed() -> None:
    whole, half = (
        trained(Kinetics(), polish_iterations=0),
        trained(Kinetics(), polish_iterations=0, iterations=150),
    )
    begun = Trainer(half.setup, half.seeds)
    begun.advance(70)
    resumed = Trainer(half.setup, half.seeds)
    resumed.restore(begun.state())
    resumed.advance(150)
    assert resumed.result().constants == whole.result().constants


class WithoutTruth(Kinetics):
    k: float = Trained(1.0)


class InWindows(InitialValueProblem):
    domain = Box(t=(0.0, 1.0))
    k: float = Trained(1.0)

    def initial_state(self, like):
        return like.new_ones(1, 1, 1)

    def equation(self, y):
        return y.d("t") + self.k * y.value


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="it needs the true value of 'k'"):
        WithoutTruth()
    with pytest.raises(
        ConfigurationError, match="windows = 2 is not allowed: in-windows has trained constants"
    ):
        Setup.named(InWindows()).changed({"windows": 2})
    with pytest.raises(ConfigurationError, match="starts at a finite number above 0"):
        Trained(0.0, positive=True)

    class TwoColumns(Kinetics):
        @property
        def conditions(self):
            return {"data": Measured(Table(T, torch.cat([T, T], dim=1)))}

    with pytest.raises(ConfigurationError, match=r"'data' .*the table has 2 columns of values"):
        TwoColumns()


def test_measured_data_have_errors_that_a_reference_does_not_share() -> None:
    noisy = Table(torch.cat([T, T]), torch.cat([DATA.values + 0.05, DATA.values - 0.03]))  # measured twice

    class Noisy(Kinetics):
        @property
        def conditions(self):
            return {"start": (self.domain.initial, Dirichlet(1.0)), "data": Measured(noisy)}

    assert Noisy().measured_terms == ("data",)
    assert Noisy().regions()["data"].count(5) == 40


MINIMISERS = {
    "gauss-newton": {"damping": 1e-3},
    "geodesic-gauss-newton": {"damping": 1e-3},
    "spring": {"damping": 1e-3},
    "lbfgs": {},
    "ssbroyden": {},
}
STEPWISE = {name: {"learning_rate": 1e-2} for name in ("adam", "adamw", "rmsprop", "sgd", "soap", "muon")}


@pytest.mark.parametrize("optimizer", [*MINIMISERS, *STEPWISE])
def test_every_optimizer_trains_it(optimizer):
    """Towards its true value, 0.5 from 1, each replicate in its own way."""
    own = {**MINIMISERS, **STEPWISE}[optimizer]
    small = {"width": 6, "depth": 1, "batch_size": 32, "iterations": 12, "optimizer": optimizer}
    setup = Setup.named(Kinetics(), "plain").changed({**small, "schedule": "constant", **own})
    trainer = Trainer(setup, [0, 1])
    trainer.advance(12)
    found = trainer.result().constants["k"]
    assert all(math.isfinite(value) and value > 0 for value in found)
    assert all(value != 1.0 for value in found), "it is a parameter of the training"
    assert found[0] != found[1]


def test_it_goes_with_the_field_to_disk_and_into_a_program(tmp_path):
    trainer = trained(Kinetics(), iterations=20, polish_iterations=5)
    result = trainer.result()
    save_model(result, tmp_path / "field.pt")
    kept = load_solution(tmp_path / "field.pt")
    assert kept.constants()["k"] == pytest.approx(result.constants["k"], rel=1e-6)
    export_program(tmp_path / "field.pt", tmp_path / "field.pt2")
    points = torch.linspace(0.0, 4.0, 9, dtype=torch.float64)[None, :, None].expand(2, -1, -1)
    program = torch.export.load(tmp_path / "field.pt2").module()
    torch.testing.assert_close(program(points), kept(points))


def test_defaults_leave_one_window_to_a_trained_constant():
    config = Setup.named(Rate()).config
    assert (config.windows, config.hard_conditions) == (1, True)
    with pytest.raises(ConfigurationError, match="rate has trained constants, of which each window"):
        Setup.named(Rate()).changed({"windows": 4})


class Rate(InitialValueProblem):
    """y′ = −k y with its start as an initial value problem has it."""

    outputs = ("y",)
    domain = Box(t=(0.0, 1.0))
    k: float = Trained(1.0, positive=True)

    def initial_state(self, like):
        return torch.ones_like(like[:1, :1, :1])

    def equation(self, y):
        return y.d("t") + self.k * y.value

    @property
    def conditions(self):
        return {**super().conditions, "data": Measured(Table(T, torch.exp(-T)).inside(self.domain))}


def test_the_residual_of_data_is_told_apart() -> None:
    """Data that every field misses: their share is nearly all of the residual."""

    class Noisy(InitialValueProblem):
        domain = Box(t=(0.0, 1.0))
        noise = Table(torch.tensor([[0.5], [0.5]]), torch.tensor([[5.0], [-5.0]]))

        def initial_state(self, like):
            return like.new_ones(1, 1, 1)

        def equation(self, y):
            return y.d("t") + 0.0 * y.value

        @property
        def conditions(self):
            return {**super().conditions, "data": Measured(self.noise)}

    problem = Noisy()
    measured = Evaluation(problem).measure(Solution(Setup.named(problem).changed({"iterations": 1}), [0, 1]))
    for whole, of_data in zip(measured.values["residual"], measured.values["residual of data"], strict=True):
        assert 0.5 < of_data < whole
    exact = Kinetics()
    assert "residual of data" not in Evaluation(exact).measure(Solution(Setup.named(exact), [0])).values
