"""Errors: their definitions, float64, evaluation mode, and a training that converges."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core import ConfigurationError, Setup, Trainer, load_problem, train
from dgm_core.formulation import Box, Dirichlet, InitialValueProblem, Problem
from dgm_core.networks.layers import BatchNorm
from dgm_core.training import median
from dgm_core.training.curves import Curves
from dgm_core.training.evaluation import Evaluation


def test_errors_by_hand():
    evaluation = Evaluation(load_problem("heat"))
    offset = torch.zeros_like(evaluation.reference)
    offset[0], offset[1] = 3.0, -5.0
    prediction = torch.stack([evaluation.reference + offset, evaluation.reference])
    errors = evaluation.errors(prediction)
    n = len(evaluation.points)
    assert n == 40 * 40
    assert errors.mae == pytest.approx([8 / n, 0.0])
    assert errors.max_error == pytest.approx([5.0, 0.0])
    assert errors.rel_l2 == pytest.approx([math.sqrt(34) / evaluation.reference.norm().item(), 0.0])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_values_that_are_not_finite_are_nan_for_their_replicate(value):
    evaluation = Evaluation(load_problem("heat"))
    prediction = torch.stack([evaluation.reference, evaluation.reference]).clone()
    prediction[0, 3] = value
    errors = evaluation.errors(prediction)
    assert math.isnan(errors.mae[0])
    assert math.isnan(errors.max_error[0])
    assert errors.mae[1] == 0.0


def test_prediction_is_float64_whatever_the_training(make_setup):
    trainer = Trainer(make_setup(), [1, 2])
    prediction = trainer.predict()
    assert prediction.dtype == torch.float64
    assert trainer.network.piece(0)(torch.zeros(2, 1, 2)).dtype == torch.float32
    points = trainer.evaluation.points.expand(2, -1, -1)
    double = trainer.network.double()(points)
    torch.testing.assert_close(prediction, double, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("changes", [{"batch_norm": "before"}, {"dropout": 0.5}])
def test_evaluating_is_no_training(make_setup, changes):
    """Twice the same value, running statistics and masks as if nobody had looked."""
    watched, left_alone = Trainer(make_setup(**changes), [1]), Trainer(make_setup(**changes), [1])
    watched.advance(20)
    assert watched.evaluate() == watched.evaluate()
    watched.evaluate_batch_statistics()
    assert watched.network.training
    watched.advance(60)
    left_alone.advance(60)
    assert torch.equal(watched.curves.losses, left_alone.curves.losses)


def test_batch_statistics_are_those_of_the_evaluation_points(make_setup):
    trainer = Trainer(make_setup(batch_norm="before"), [1, 2])
    trainer.advance(30)
    errors = trainer.evaluate_batch_statistics()
    points = trainer.evaluation.points.expand(2, -1, -1)
    double = trainer.network.double()
    expected = (double(points) - trainer.evaluation.reference).abs().mean(dim=(1, 2))
    assert errors == pytest.approx(expected.tolist())
    assert errors != pytest.approx(trainer.evaluate().mae, rel=1e-3)
    assert all(m.training for m in trainer.network.modules() if isinstance(m, BatchNorm))


def test_without_batch_norm_there_are_none(make_setup):
    assert Trainer(make_setup(), [1]).evaluate_batch_statistics() is None


def test_batch_norm_of_a_problem_with_one_initial_point_trains(make_setup):
    result = train(make_setup("exponential-decay", batch_norm="before"), [1, 2])
    assert result.curves.losses.isfinite().all()


def test_median_counts_a_lost_replicate_as_the_worst():
    assert median([3.0, 1.0, 2.0]) == 2.0
    assert median([1.0, 2.0, 3.0, 4.0]) == 2.5
    assert median([1.0, math.nan, 2.0]) == 2.0
    assert median([1.0, math.nan, math.nan]) == math.inf


def test_measuring_twice_at_an_iteration_keeps_the_last():
    curves = Curves(2, ["a"])
    curves.measured(3, [1.0, 2.0])
    curves.measured(3, [0.5, 2.0])
    curves.measured(4, [0.1, 0.2])
    assert curves.errors == [(3, [0.5, 2.0]), (4, [0.1, 0.2])]


def test_curves_grow_beyond_their_buffer():
    curves = Curves(1, ["a", "b"])
    assert curves.columns == ("loss", "loss_a", "loss_b")
    for i in range(2500):
        curves.append(torch.tensor([float(i)]), torch.tensor([[1.0, i - 1.0]]))
    assert curves.losses.shape == (2500, 1, 3)
    assert torch.equal(curves.losses[:, 0, 0], torch.arange(2500.0))
    restored = Curves(1, ["a", "b"])
    restored.restore(curves.state())
    restored.append(torch.tensor([7.0]), torch.tensor([[1.0, 6.0]]))
    assert restored.losses[-2:, 0, 0].tolist() == [2499.0, 7.0]


def test_heat_converges(make_setup):
    setup = make_setup(
        width=24, depth=2, batch_size=48, iterations=800, schedule="cosine", input_scaling="unit"
    )
    result = train(setup, [1, 2, 3])
    assert max(result.errors.mae) < 0.01  # of a solution of mean 0.2; measured 0.002
    assert all(status == "completed" for status in result.status)


class Species(InitialValueProblem):
    """Two species of very different size: a = exp(−t), b = 1e-5 exp(−t)."""

    outputs = ("a", "b")
    domain = Box(t=(0.0, 1.0))
    score = "rel_l2"

    def initial_state(self, like):
        return like.new_tensor([[[1.0, 1e-5]]])

    def equation(self, y):
        return torch.cat([y.d("t", output=i) + y.d(output=i) for i in range(2)], dim=-1)

    def reference(self, x):
        return torch.cat([torch.exp(-x), 1e-5 * torch.exp(-x)], dim=-1)


class OneSpecies(Species):
    score = "rel_l2 of b"


def test_a_small_output_that_is_lost_counts_by_its_own_size() -> None:
    evaluation = Evaluation(OneSpecies())
    prediction = evaluation.reference.clone().unsqueeze(0)
    prediction[..., 1] = 0.0
    errors = evaluation.errors(prediction)
    assert errors.values["rel_l2 of a"] == [0.0]
    assert errors.values["rel_l2 of b"] == [pytest.approx(1.0)]
    assert errors.rel_l2 == [pytest.approx(math.sqrt(0.5))]
    assert errors.score == [pytest.approx(1.0)]
    assert errors.values["max_error of b"] == [pytest.approx(1e-5)]


def test_a_score_of_an_output_that_is_none_is_refused() -> None:
    class Misnamed(Species):
        score = "rel_l2 of c"

    with pytest.raises(ConfigurationError, match="unknown score of misnamed 'rel_l2 of c'"):
        Setup.named(Misnamed())


class Porous(Problem):
    """u^1.2 of a network that is negative somewhere: NaN from the first iteration on."""

    domain = Box(x=(0.0, 1.0))

    def equation(self, y):
        return y.value**1.2 * y.d("x", "x") - 1.0

    @property
    def conditions(self):
        return {"ends": (self.domain.boundary, Dirichlet())}


def test_a_divergence_names_the_term_that_was_lost_first() -> None:
    trainer = Trainer(
        Setup.named(Porous(), "plain").changed({"iterations": 5, "width": 8, "depth": 1}), [0, 1]
    )
    trainer.advance(5)
    (reason,) = set(trainer.result().reasons)
    assert reason is not None
    assert reason.startswith(
        "the term interior was NaN from iteration 1 on (a negative value to the power 1.2 in"
    )
    assert reason.endswith('return y.value**1.2 * y.d("x", "x") - 1.0)')
