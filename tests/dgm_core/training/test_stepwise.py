"""Optimizers that take one step for each gradient: each its own rule, every replicate by itself."""

from __future__ import annotations

import pytest
import torch

from dgm_core.training.optimizers import OPTIMIZERS, Settings, Stepwise
from dgm_core.training.optimizers.muon import orthogonal

STEPWISE = [name for name in OPTIMIZERS if issubclass(OPTIMIZERS.get(name), Stepwise)]


def made(name, values, rate=0.1, shapes=None, **settings):
    parameters = torch.nn.Parameter(values.clone())
    parameters.grad = torch.zeros_like(values)
    return OPTIMIZERS.get(name)(parameters, torch.tensor(rate), Settings(**settings), shapes)


def steps(optimizer, gradients):
    for g in gradients:
        optimizer.values.grad.copy_(g(optimizer.values.detach()) if callable(g) else g)
        optimizer.step()
    return optimizer.values.detach()


@pytest.mark.parametrize(
    ("name", "step"),
    [("adam", 0.1), ("adamw", 0.1 + 0.1 * 0.01), ("sgd", 0.2), ("muon", 0.1), ("rmsprop", 1.0)],
)
def test_the_first_step_against_a_gradient_of_two(name, step):
    found = steps(made(name, torch.ones(2, 3)), [torch.full((2, 3), 2.0)])
    torch.testing.assert_close(found, torch.full((2, 3), 1 - step))


def test_adamw_decays_by_its_own_factor():
    found = steps(made("adamw", torch.ones(1, 1), weight_decay=0.5), [torch.zeros(1, 1)])
    assert found.item() == pytest.approx(1 - 0.1 * 0.5)


@pytest.mark.parametrize(
    ("name", "reference", "settings"),
    [
        ("adam", torch.optim.Adam, {"beta1": 0.8, "beta2": 0.9}),
        ("rmsprop", torch.optim.RMSprop, {"beta2": 0.9, "momentum": 0.5}),
        ("sgd", torch.optim.SGD, {"momentum": 0.7}),
    ],
)
def test_its_settings_are_those_of_torch(name, reference, settings):
    start = torch.tensor([[1.0, -2.0, 0.5]])
    optimizer = made(name, start, **settings)
    other = torch.nn.Parameter(start.clone())
    own = {
        "adam": {"betas": (0.8, 0.9)},
        "rmsprop": {"alpha": 0.9, "momentum": 0.5},
        "sgd": {"momentum": 0.7},
    }
    known = reference([other], lr=0.1, **own[name])
    for round in range(5):
        gradient = torch.tensor([[0.3, -0.1 * round, 2.0]])
        steps(optimizer, [gradient])
        other.grad = gradient
        known.step()
    torch.testing.assert_close(optimizer.values.detach(), other.detach())


@pytest.mark.parametrize("name", STEPWISE)
def test_it_lowers_a_quadratic_and_mixes_no_replicates(name):
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(3, 4 * 5 + 5, generator=generator)
    curvature = torch.logspace(-1, 1, 25)
    rate = {"sgd": 0.05, "muon": 0.1}.get(name, 0.02)
    shapes = [(4, 5), (1, 5)]

    def run(values):
        return steps(made(name, values, rate, shapes), [lambda x: curvature * x] * 120)

    together = run(start)
    assert ((curvature * together**2).sum(1) < 0.1 * (curvature * start**2).sum(1)).all()
    torch.testing.assert_close(run(start[1:2])[0], together[1], rtol=1e-3, atol=1e-4)


def test_muon_s_step_is_that_of_an_orthogonal_matrix():
    matrix = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(2))
    values = torch.linalg.svdvals(orthogonal(matrix))
    assert values.min() > 0.6
    assert values.max() < 1.3
    found = steps(made("muon", torch.zeros(2, 15), shapes=[(5, 3)]), [matrix.flatten(1)])
    torch.testing.assert_close(-found.view(2, 5, 3) / (0.1 * 0.2 * 5**0.5), orthogonal(matrix))


def test_soap_is_adam_in_the_eigenvectors_of_the_first_gradient():
    """With a gradient that stays the same, they are its singular vectors, in which one number is not zero."""
    u, _ = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64))
    gradient = 2.0 * u[:, :1] @ u[:, 1:2].T
    found = steps(
        made("soap", torch.zeros(1, 16, dtype=torch.float64), shapes=[(4, 4)]), [gradient.view(1, -1)] * 3
    )
    torch.testing.assert_close(found.view(4, 4), -0.2 * gradient / 2.0, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", STEPWISE)
def test_its_state_goes_on_in_another(name):
    shapes = [(4, 3), (1, 3)]
    gradients = list(torch.randn(24, 2, 15, generator=torch.Generator().manual_seed(4)))
    whole = made(name, torch.zeros(2, 15), shapes=shapes)
    steps(whole, gradients[:11])
    resumed = made(name, whole.values.detach(), shapes=shapes)
    resumed.restore({key: value.clone() for key, value in whole.state.items()})
    assert torch.equal(steps(whole, gradients[11:]), steps(resumed, gradients[11:]))
