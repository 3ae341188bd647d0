"""Optimizers that descend, as a training's own and in its polish: what they reach, refuse and tell."""

from __future__ import annotations

import math
from statistics import median

import pytest
import torch

from dgm_core import ConfigurationError, Setup, TrainConfig, Trainer, load_problem, train
from dgm_core.training import memory
from dgm_core.training.points import Points

SMALL = {"width": 8, "depth": 2, "hard_conditions": True, "input_scaling": "unit", "iterations": 30}
GAUSS_NEWTON = {**SMALL, "optimizer": "gauss-newton", "sampler": "sobol"}


def setup(problem="heat", **changes):
    own = {key: value for key, value in changes.items() if key.startswith("problem.")}
    config = {key: value for key, value in changes.items() if key not in own}
    return Setup(load_problem(problem), TrainConfig.create(config)).changed(own)


@pytest.mark.parametrize(
    ("optimizer", "bound"),
    [
        *((name, 1e-4) for name in ("gauss-newton", "geodesic-gauss-newton", "spring")),
        *((name, 0.05) for name in ("ssbroyden", "lbfgs")),
    ],
)
def test_it_solves_the_heat_equation_in_float64(optimizer, bound):
    result = train(setup(**{**GAUSS_NEWTON, "optimizer": optimizer, "batch_size": 200}), [1, 2])
    assert max(result.errors.rel_l2) < bound
    assert {value.dtype for value in result.weights.values()} == {torch.float64}
    losses = result.curves.losses[..., 0]
    assert (losses.diff(dim=0) <= 1e-6 * losses[:-1]).all()
    torch.testing.assert_close(result.curves.losses[..., 1:].sum(dim=2), losses)


def test_bent_steps_reach_an_error_sooner():
    named = Setup.named(load_problem("exponential-decay"), "second-order").changed({"iterations": 20})
    straight, bent = (
        median(train(named.changed({"optimizer": name}), range(5)).errors.rel_l2)
        for name in ("gauss-newton", "geodesic-gauss-newton")
    )
    assert bent < 0.1 * straight


def test_the_first_loss_is_that_of_the_untrained_weights():
    first = Trainer(setup(**GAUSS_NEWTON), [1])
    first.advance(1)
    plain = Trainer(
        setup(**{**GAUSS_NEWTON, "optimizer": "sgd", "precision": "float64", "redraw_every": 0}), [1]
    )
    plain.advance(1)
    torch.testing.assert_close(first.curves.losses, plain.curves.losses)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"batch_norm": "before"}, "batch_norm = 'before' is not allowed with optimizer 'gauss-newton'"),
        ({"dropout": 0.1}, "dropout = 0.1 is not allowed"),
        ({"causality": 1.0}, "causality = 1.0 is not allowed"),
        ({"averaging": 0.9}, "averaging = 0.9 is not allowed"),
        ({"schedule": "cosine"}, "schedule = 'cosine' is not allowed"),
        ({"l2": 1e-3}, "squared residuals and nothing else"),
        ({"precision": "float32"}, "lost in the rounding"),
        ({"beta1": 0.8}, "beta1 = 0.8 is not allowed with optimizer 'gauss-newton': .* adam, adamw"),
        ({"redraw_every": 1, "batch_size": 4}, "4 residuals cannot hold 105 parameters"),
        (
            {"polish": "adam"},
            "one of gauss-newton, geodesic-gauss-newton, lbfgs, spring, ssbroyden, none",
        ),
        ({"adaptation": "rad"}, "redraw_every must be 1 or greater"),
    ],
)
def test_what_it_cannot_do_is_refused_in_a_sentence(changes, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        setup(**{**GAUSS_NEWTON, **changes})


@pytest.mark.parametrize(
    ("problem", "changes", "sentence"),
    [
        ("fredholm", {"problem.unbiased": True, "optimizer": "gauss-newton"}, "pair of estimates"),
        ("poisson-nd", {"problem.probes": 2, "optimizer": "lbfgs"}, "pair of estimates"),
        ("fredholm", {"adaptation": "r3"}, "points that belong to others"),
    ],
)
def test_what_a_problem_cannot_do_is_refused_in_a_sentence(problem, changes, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        setup(problem, **changes)


def test_more_memory_than_there_is_is_refused(monkeypatch):
    large = setup(**{**GAUSS_NEWTON, "width": 200, "batch_size": 100})
    (need,) = memory.needs(large, 5)
    assert need.parameters == 200 * 200 + 200 * 5 + 1
    monkeypatch.setattr(memory, "available", lambda device: need.bytes - 1)
    with pytest.raises(
        ConfigurationError, match="'gauss-newton' with 41,001 parameters, 100 residuals and 5 replicates"
    ):
        Trainer(large, range(5))
    assert memory.needs(setup(**SMALL), 5) == []


def test_a_replicate_that_is_lost_says_why_and_harms_no_other():
    trainer = Trainer(setup(**GAUSS_NEWTON), [1, 2])
    healthy = Trainer(setup(**GAUSS_NEWTON), [1, 2])
    with torch.no_grad():
        for parameter in trainer.network.parameters():
            parameter[0] = math.nan
    state = trainer.state()
    state["stage"]["minimiser"]["parameters"][0] = math.nan
    lost = Trainer(setup(**GAUSS_NEWTON), [1, 2])
    lost.restore(state)
    for one in (lost, healthy):
        one.advance(30)
    result = lost.result()
    assert [str(status) for status in result.status] == ["diverged", "completed"]
    assert "Cholesky" in result.reasons[0] or "not finite" in result.reasons[0]
    assert result.reasons[1] is None
    assert result.errors.rel_l2[1] == pytest.approx(healthy.result().errors.rel_l2[1], rel=1e-3)


def test_a_polish_is_in_the_curves_and_tells_how_far_it_is():
    polished = {"polish": "gauss-newton", "polish_iterations": 6, "polish_points": 64, "batch_size": 8}
    trainer = Trainer(setup("exponential-decay", **{**SMALL, **polished, "windows": 2}), [1, 2])
    seen = []
    while not trainer.done:
        trainer.advance(30, seconds=0.0, pause_polish=True)
        if trainer.polishing:
            seen.append(trainer.progress)
    assert [one.done for one in seen] == sorted(one.done for one in seen if one.window == 0) + sorted(
        one.done for one in seen if one.window == 1
    )
    assert {one.of for one in seen} == {6}
    rows = trainer.curves.polish
    assert [window for window, _ in rows] == sorted(window for window, _ in rows)
    for window in (0, 1):
        own = [row[:, 0] for w, row in rows if w == window]
        ends = [what.loss_after for what in trainer.polished if what.window == window]
        torch.testing.assert_close(own[-1], torch.tensor(ends))
    assert trainer.curves.polish_errors[-1] == (len(rows) - 1, trainer.evaluate().score)


def test_adapted_points_gather_where_the_residual_is_large_and_follow_the_seed():
    regions = {"interior": load_problem("heat").domain.interior}

    def drawn(adaptation, seeds, rounds=6):
        points = Points(regions, 64, seeds, adaptation=adaptation)
        points.judge(lambda given: {term: 1.0 + 50.0 * (x[..., 0] > 2.5) for term, x in given.items()})
        for _ in range(rounds):
            found = points.next()["interior"]
        return found

    for adaptation in ("rad", "r3"):
        one, two = drawn(adaptation, [1, 2]), drawn(adaptation, [2])
        torch.testing.assert_close(one[1:], two, rtol=0, atol=0)
        assert one.shape == (2, 64, 2)
        plain = (drawn("none", [1, 2])[..., 0] > 2.5).float().mean()
        assert (one[..., 0] > 2.5).float().mean() > 1.5 * plain
