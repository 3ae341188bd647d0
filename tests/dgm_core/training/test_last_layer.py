"""The last layer can start where the residuals, linear in it, are least."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core import Problem, Trainer, train
from dgm_core.formulation import Box, Dirichlet
from dgm_core.training.setup import Setup

NETWORKS = {
    "mlp": {},
    "dgm": {"network": "dgm", "depth": 1},
    "piratenet": {"network": "piratenet", "weight_factorisation": 0.5},
}


class Bent(Problem):
    """u″ = −4π² sin 2πx, u = 0 at both ends: u = sin 2πx, odd about the centre as untrained features are."""

    domain = Box(x=(0.0, 1.0))
    steep: float = 0.0  # of a term that no linear fit can foresee

    def equation(self, y):
        wave = torch.sin(2.0 * math.pi * y.x)
        return y.d("x", "x") + 4.0 * math.pi**2 * wave + self.steep * (y.value**5 - wave**5)

    @property
    def conditions(self):
        return {"ends": (self.domain.boundary, Dirichlet())}

    def reference(self, x):
        return torch.sin(2.0 * math.pi * x)


def setup(problem: Problem | None = None, **changes) -> Setup:
    base = {
        "width": 12,
        "depth": 2,
        "batch_size": 60,
        "iterations": 10,
        "polish_iterations": 0,
        "network": "mlp",
    }
    return Setup.named(problem or Bent()).changed({**base, **changes})


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("hard", [True, False])
def test_a_linear_equation_starts_nearly_solved(network: str, hard: bool) -> None:
    changes = {**NETWORKS[network], "hard_conditions": hard}
    drawn, fitted = (
        Trainer(setup(last_layer=kind, **changes), [1, 2]) for kind in ("random", "least-squares")
    )
    before, after = drawn.evaluate().rel_l2, fitted.evaluate().rel_l2
    assert max(after) < 5e-3
    assert min(before) > 0.5


def test_each_replicate_is_fitted_by_itself() -> None:
    alone = Trainer(setup(last_layer="least-squares"), [2]).network.weights()
    three = Trainer(setup(last_layer="least-squares"), [1, 2, 3]).network.weights()
    for name, value in alone.items():
        torch.testing.assert_close(value[0], three[name][1], rtol=1e-3, atol=1e-4)


def test_only_the_last_layer_moves_and_the_points_of_training_stay() -> None:
    drawn, fitted = (Trainer(setup(last_layer=kind), [1, 2]) for kind in ("random", "least-squares"))
    weights, others = drawn.network.weights(), fitted.network.weights()
    moved = {name for name in weights if not torch.equal(weights[name], others[name])}
    assert moved == {"pieces.0.network.layers.2.weight", "pieces.0.network.layers.2.bias"}
    for trainer in (drawn, fitted):
        trainer.advance(1)
    points = [trainer._stage._inputs["interior"] for trainer in (drawn, fitted)]
    assert torch.equal(*points)


def test_a_fit_that_raises_the_loss_is_not_taken() -> None:
    problem = Bent(steep=3e3)
    drawn, fitted = (Trainer(setup(problem, last_layer=kind), [1]) for kind in ("random", "least-squares"))
    losses = []
    for trainer in (drawn, fitted):
        trainer.advance(1)
        losses.append(float(trainer.curves.losses[0, 0, 0]))
    assert losses[1] <= losses[0] * 1.2


def test_a_descent_goes_on_from_the_fit() -> None:
    changes = {"optimizer": "ssbroyden", "iterations": 20, "schedule": "constant"}
    results = [train(setup(last_layer=kind, **changes), [1, 2]) for kind in ("random", "least-squares")]
    assert max(results[1].errors.rel_l2) < 0.05 * min(results[0].errors.rel_l2)
