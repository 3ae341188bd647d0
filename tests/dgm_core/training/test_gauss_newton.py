"""Damped least squares: each replicate by itself, in the smaller of two systems, and the same after a
resume."""

from __future__ import annotations

import io
import math

import pytest
import torch

from dgm_core.training.optimizers import Settings
from dgm_core.training.optimizers.gauss_newton import GaussNewton
from dgm_core.training.optimizers.geodesic import GeodesicGaussNewton
from dgm_core.training.optimizers.spring import Spring
from dgm_core.training.rows import StoredJacobian

METHODS = [GaussNewton, GeodesicGaussNewton, Spring]


class Squares:
    """Residuals (K, N) of parameters (K, P), as an objective."""

    def __init__(self, residuals):
        self.residuals = residuals

    def value(self, x):
        return self.residuals(x).square().sum(dim=1)

    def linearised(self, x):
        rows = torch.autograd.functional.jacobian(lambda y: self.residuals(y).sum(dim=0), x)  # (N, K, P)
        return StoredJacobian(self.residuals(x), rows.movedim(0, 1))


def rosenbrock(x):
    return torch.cat([10 * (x[:, 1:] - x[:, :-1] ** 2), 1 - x[:, :-1]], dim=1)


def few(x):
    """Fewer residuals than parameters."""
    return torch.stack([x.prod(dim=1) - 1.0, x.sin().sum(dim=1) - 2.0], dim=1)


def starts(replicates, parameters):
    drawn = torch.rand(
        replicates, parameters, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    return 4 * drawn - 2


def run(method, residuals, start, rounds=400, **settings):
    found = method(Squares(residuals), start, Settings(**settings))
    for _ in range(rounds):
        if not found.done:
            found.advance()
    return found


@pytest.mark.parametrize("method", METHODS)
def test_it_solves_what_is_solvable(method):
    found = run(method, rosenbrock, starts(4, 3))
    assert max(found.values) < 1e-20
    torch.testing.assert_close(found.parameters, torch.ones(4, 3, dtype=torch.float64))
    assert max(run(method, few, starts(3, 5)).values) < 1e-20


def test_both_systems_give_the_same_step():
    """A residual that is always zero makes as many of them as parameters, and changes nothing."""

    def padded(x):
        return torch.cat([few(x), torch.zeros_like(x)], dim=1)

    for method in METHODS:
        small, large = (run(method, f, starts(2, 5), rounds=4) for f in (few, padded))
        torch.testing.assert_close(small.parameters, large.parameters)


@pytest.mark.parametrize("method", METHODS)
def test_a_replicate_takes_the_steps_that_it_takes_alone(method):
    start = starts(4, 6)
    together = run(method, rosenbrock, start, rounds=12)
    for k in range(4):
        alone = run(method, rosenbrock, start[k : k + 1], rounds=12)
        torch.testing.assert_close(alone.parameters[0], together.parameters[k], rtol=1e-8, atol=1e-10)
        assert alone.iterations[0] == together.iterations[k]


def test_values_never_rise_and_rejected_steps_change_nothing():
    found = GaussNewton(Squares(rosenbrock), starts(3, 6), Settings(damping=1e-12))
    rejected = 0
    for _ in range(40):
        before, values = found.parameters.clone(), list(found.values)
        found.advance()
        for k in range(3):
            assert found.values[k] <= values[k]
            if k not in found.moved:
                rejected += 1
                assert torch.equal(found.parameters[k], before[k])
    assert rejected


def test_one_that_is_not_finite_is_lost_with_a_reason_and_harms_no_other():
    start = starts(3, 6)

    def residuals(x):
        found = rosenbrock(x).clone()
        found[1] = math.nan
        return found

    harmed, healthy = run(GaussNewton, residuals, start), run(GaussNewton, rosenbrock, start)
    assert math.isnan(harmed.values[1])
    assert "not finite" in harmed.reasons[1]
    assert torch.equal(harmed.parameters[1], start[1])
    for k in (0, 2):
        assert harmed.reasons[k] is None
        torch.testing.assert_close(harmed.parameters[k], healthy.parameters[k])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("residuals", [rosenbrock, few])
@pytest.mark.parametrize("harm", [math.nan, math.inf])
def test_a_single_entry_of_the_jacobian_that_is_not_finite_is_seen(method, residuals, harm):
    class Harmed(Squares):
        def linearised(self, x):
            found = super().linearised(x)
            found.whole()[1, 0, 2] = harm
            return found

    found = method(Harmed(residuals), starts(3, 6), Settings())
    assert found.finished == [False, True, False]
    assert "not finite" in found.reasons[1]


def test_a_factorisation_that_fails_raises_the_damping_and_in_the_end_the_replicate_is_lost():
    class Indefinite(Squares):
        """JᵀJ with a negative eigenvalue, as rounding can leave it."""

        def __init__(self, least):
            super().__init__(rosenbrock)
            self.least = least

        def linearised(self, x):
            found = super().linearised(x)
            square, gradient = found.normal()
            found.normal = lambda: (
                square + torch.diag(torch.tensor([self.least, *[0.0] * 5], dtype=torch.float64)),
                gradient,
            )
            return found

    one = GaussNewton(Indefinite(-3000.0), starts(1, 6), Settings(damping=1e-3))
    one.advance()
    assert one._damping[0] >= 100.0
    assert one.reasons == [None]
    lost = GaussNewton(Indefinite(-1e60), starts(1, 6), Settings(damping=1e-3))
    lost.advance()
    assert lost.done
    assert math.isnan(lost.values[0])
    assert "Cholesky" in lost.reasons[0]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("at", [0, 1, 7])
def test_resumed_equals_uninterrupted_bit_for_bit(method, at):
    start = starts(3, 6)
    whole = run(method, rosenbrock, start, rounds=at)
    file = io.BytesIO()
    torch.save(whole.state(), file)
    file.seek(0)
    resumed = method(Squares(rosenbrock), start, Settings())
    resumed.restore(torch.load(file, weights_only=True))
    for _ in range(15):
        whole.advance()
        resumed.advance()
    assert torch.equal(whole.parameters, resumed.parameters)
    assert whole.values == resumed.values
    assert whole.evaluations == resumed.evaluations


@pytest.mark.parametrize("method", METHODS)
def test_where_the_residuals_become_others_it_goes_on_with_those(method):
    squares = Squares(rosenbrock)
    found = method(squares, starts(2, 4), Settings())
    for _ in range(200):
        found.advance()
    squares.residuals = lambda x: rosenbrock(x - 1.0)
    found.renew()
    assert not any(found.finished)
    for _ in range(200):
        found.advance()
    torch.testing.assert_close(found.parameters, torch.full((2, 4), 2.0, dtype=torch.float64))


def test_spring_keeps_the_last_step_and_forgets_one_that_failed():
    found = Spring(Squares(few), starts(1, 5), Settings(momentum=0.5, damping=1.0))
    found.advance()
    assert found.moved == [0]
    before = found.parameters.clone()
    last = found._last.clone()
    assert last.any()
    system = found._solvable()
    (expected, _, _) = system.solved([found._damping[0]], [False], 0.5 * last)
    found.advance()
    assert found.moved == [0]
    torch.testing.assert_close(before - found.parameters, expected)
    found.objective.residuals = lambda x: few(x) + 1e6
    found.advance()
    assert found.moved == []
    assert not found._last.any()


@pytest.mark.parametrize("residuals", [rosenbrock, few])
def test_a_geodesic_step_is_bent_by_the_second_derivative_along_it(residuals):
    start, damping = starts(1, 4), 50.0
    found = GeodesicGaussNewton(Squares(residuals), start, Settings(damping=damping))
    straight, _, _ = found._solvable().solved([damping], [False], None)
    along = torch.autograd.functional.jvp

    def first(x):
        return along(residuals, x, straight, create_graph=True)[1]

    second = along(first, start, straight)[1][0]
    jacobian = torch.autograd.functional.jacobian(lambda x: residuals(x[None])[0], start[0])
    square = jacobian.mT @ jacobian + damping * torch.eye(4, dtype=torch.float64)
    bend = -0.5 * torch.linalg.solve(square, jacobian.mT @ second)
    assert bend.norm() < 0.375 * straight.norm()
    found.advance()
    assert found.moved == [0]
    torch.testing.assert_close(found.parameters[0], start[0] - straight[0] + bend, rtol=1e-3, atol=0.0)


@pytest.mark.parametrize("case", ["long", "raises"])
def test_a_bend_that_is_long_or_raises_the_value_is_left_out(case):
    def long(x):
        return x + (x - 0.6) ** 2  # the bend is 0.6 of the step

    def raises(x):
        """The straight step ends at 0, where the bent one would not: 0.1 lies beyond a wall."""
        near = x + 0.3 * (x - 0.6) ** 2
        return torch.where(x > 0.5, near, torch.where(x < -0.05, 10.0, 0.1))

    residuals = {"long": long, "raises": raises}[case]
    start = torch.full((1, 2), 0.6, dtype=torch.float64)
    bent, straight = (
        kind(Squares(residuals), start, Settings(damping=1e-3)) for kind in (GeodesicGaussNewton, GaussNewton)
    )
    tried = []
    bent.objective.value = lambda x: tried.append(x) or residuals(x).square().sum(dim=1)
    bent.advance()
    straight.advance()
    assert len(tried) == {"long": 1, "raises": 2}[case]
    assert bent.moved == straight.moved == [0]
    assert torch.equal(bent.parameters, straight.parameters)
