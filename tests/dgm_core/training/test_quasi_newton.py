"""The batched L-BFGS: as good as SciPy's, each replicate by itself, and the same after a resume."""

from __future__ import annotations

import io
import math

import pytest
import torch
from scipy.optimize import minimize

from dgm_core.training.optimizers.curvature import InverseHessian
from dgm_core.training.optimizers.lbfgs import LBFGS
from dgm_core.training.optimizers.ssbroyden import SelfScaled, SSBroyden

BUDGET = {"iterations": 400, "evaluations": 820}


class Given:
    """An objective that is a function (K, P) -> values (K,) and gradients (K, P)."""

    def __init__(self, function):
        self.differentiated = function


class Forgetful(LBFGS):
    memory = 8


def rosenbrock(x):
    """(K, P) -> values (K,) and gradients (K, P); least, 0, where all are 1."""
    x = x.detach().requires_grad_()
    value = (100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2).sum(1)
    return value.detach(), torch.autograd.grad(value.sum(), x)[0]


def quadratic(condition):
    """Σ hᵢ xᵢ²/2 with curvatures from 1 to `condition`."""

    def function(x):
        curvature = torch.logspace(0, math.log10(condition), x.shape[1], dtype=x.dtype)
        return (curvature * x.square()).sum(1) / 2, curvature * x

    return function


def starts(replicates, parameters, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 4 * torch.rand(replicates, parameters, generator=generator, dtype=torch.float64) - 2


def run(function, start, method=LBFGS, **options):
    found = method(Given(function), start, **{**BUDGET, **options})
    while not found.done:
        found.advance()
    return found


def scipy(function, start, **options):
    def one(x):
        value, gradient = function(torch.tensor(x)[None])
        return float(value), gradient[0].numpy()

    options = {"maxcor": 50, "ftol": 0.0, "gtol": 0.0, "maxiter": 400, "maxfun": 820, **options}
    return minimize(one, start.numpy(), jac=True, method="L-BFGS-B", options=options)


def test_rosenbrock_from_many_starts_ends_where_scipy_ends_with_no_more_steps():
    start = starts(6, 20)
    found = run(rosenbrock, start)
    for k in range(6):
        known = scipy(rosenbrock, start[k])
        assert found.values[k] == pytest.approx(known.fun, rel=1e-9, abs=1e-20)
        torch.testing.assert_close(found.parameters[k], torch.tensor(known.x), rtol=1e-7, atol=1e-8)
        assert found.iterations[k] < 1.3 * known.nit


@pytest.mark.parametrize("condition", [1e2, 1e6])
def test_after_as_many_steps_it_is_as_low_as_scipy(condition):
    function, start = quadratic(condition), starts(5, 60, seed=1)
    found = run(function, start, iterations=40)
    known = torch.tensor([scipy(function, own, maxiter=40).fun for own in start])
    assert torch.tensor(found.values).log10().median() < known.log10().median() + 0.5
    assert found.iterations == [40] * 5


def test_the_inverse_hessian_is_that_of_the_two_loops():
    """Nocedal and Wright, algorithm 7.4, with rings that overflow and replicates of different ages."""
    generator = torch.Generator().manual_seed(3)
    memory, parameters = 4, 9
    pairs = [[], []]
    inverse = InverseHessian(torch.zeros(2, parameters, dtype=torch.float64), memory)
    for round in range(11):
        s = torch.randn(2, parameters, generator=generator, dtype=torch.float64)
        y = s + 0.3 * torch.randn(2, parameters, generator=generator, dtype=torch.float64)
        g = torch.randn(2, parameters, generator=generator, dtype=torch.float64)
        chosen = [k for k in range(2) if k == 0 or round % 3 == 0]
        found = inverse.update(s, y, g, chosen)
        for k in chosen:
            pairs[k] = [*pairs[k], (s[k], y[k])][-memory:]
            torch.testing.assert_close(found[k], two_loops(pairs[k], g[k]))


def two_loops(pairs, g):
    q, factors = g.clone(), []
    for s, y in reversed(pairs):
        factors.append((s @ q) / (s @ y))
        q = q - factors[-1] * y
    s, y = pairs[-1]
    r = (s @ y) / (y @ y) * q
    for (s, y), factor in zip(pairs, reversed(factors), strict=True):
        r = r + s * (factor - (y @ r) / (s @ y))
    return r


def test_a_pair_without_positive_curvature_is_left_out():
    inverse = InverseHessian(torch.zeros(2, 3, dtype=torch.float64), 4)
    s = torch.eye(3, dtype=torch.float64)[:2]
    found = inverse.update(s, torch.stack([2 * s[0], -s[1]]), torch.ones_like(s), [0, 1])
    assert inverse.counts == [1, 0]
    assert found.tolist() == [[0.5] * 3, [1.0] * 3]


@pytest.mark.parametrize("method", [LBFGS, SSBroyden])
def test_a_replicate_takes_the_steps_that_it_takes_alone(method):
    start = starts(5, 12)
    five = run(rosenbrock, start, method, iterations=30)
    for k in range(5):
        alone = run(rosenbrock, start[k : k + 1], method, iterations=30)
        torch.testing.assert_close(alone.parameters[0], five.parameters[k], rtol=1e-6, atol=1e-8)
        assert alone.evaluations[0] == five.evaluations[k]


def test_a_finished_replicate_stays_whatever_it_is_told():
    start = starts(3, 10)
    start[1] = 1.0 + 1e-9  # all but solved
    given = Given(rosenbrock)
    found = LBFGS(given, start, **BUDGET)
    while not found.finished[1]:
        found.advance()
    assert not any(found.finished[k] for k in (0, 2))
    parameters, counts = found.parameters[1].clone(), (found.iterations[1], found.evaluations[1])
    while not found.done:
        assert torch.equal(found.trial[1], parameters)
        values, gradients = rosenbrock(found.trial)
        values[1], gradients[1] = math.nan, math.nan
        given.differentiated = lambda _, told=(values, gradients): told
        found.advance()
    assert torch.equal(found.parameters[1], parameters)
    assert (found.iterations[1], found.evaluations[1]) == counts
    assert max(found.values) < 1e-20 or max(found.values) == pytest.approx(3.986623854)


@pytest.mark.parametrize("lost", ["value", "gradient"])
def test_one_that_starts_without_a_finite_value_harms_no_other(lost):
    start = starts(3, 8)

    def function(x):
        values, gradients = rosenbrock(x)
        if lost == "value":
            values[1] = math.nan
        else:
            gradients[1, 2] = math.inf
        return values, gradients

    harmed, healthy = run(function, start), run(rosenbrock, start)
    assert math.isnan(harmed.values[1])
    assert (harmed.iterations[1], harmed.evaluations[1]) == (0, 1)
    assert torch.equal(harmed.parameters[1], start[1])
    for k in (0, 2):
        assert harmed.values[k] == healthy.values[k]
        assert torch.equal(harmed.parameters[k], healthy.parameters[k])


def test_a_step_out_of_the_domain_is_shortened():
    """Σ x − log x is least, 1 each, at 1; beyond 0 it is not finite."""

    def function(x):
        return (x - x.log()).sum(1), 1 - 1 / x

    start = torch.tensor([[0.01, 5.0], [3.0, 40.0]], dtype=torch.float64)
    found = run(function, start)
    torch.testing.assert_close(found.parameters, torch.ones_like(start))
    assert found.values == pytest.approx([2.0, 2.0])


def test_at_the_minimum_nothing_is_changed():
    start = torch.ones(2, 6, dtype=torch.float64)
    found = run(rosenbrock, start)
    assert torch.equal(found.parameters, start)
    assert found.evaluations == [1, 1]


def test_one_that_no_step_lowers_is_put_back():
    """The gradient points the wrong way, so that every line search fails."""
    start = starts(2, 6)
    found = run(lambda x: (rosenbrock(x)[0], -rosenbrock(x)[1]), start)
    assert torch.equal(found.parameters, start)
    assert found.values == rosenbrock(start)[0].tolist()
    assert max(found.evaluations) < 50


def test_where_values_drown_in_rounding_it_goes_on_by_their_slopes():
    """Values of single precision beside 1, as of a loss whose residuals cancel."""

    def function(x):
        value, gradient = quadratic(1e3)(x)
        return (value + 1.0).float().double(), gradient

    found = run(function, starts(3, 30))
    assert quadratic(1e3)(found.parameters)[0].max() < 1e-12


@pytest.mark.parametrize(("budget", "spent"), [({"iterations": 7}, 7), ({"evaluations": 9}, 9)])
def test_it_spends_no_more_than_it_is_given(budget, spent):
    found = run(rosenbrock, starts(3, 20), **budget)
    assert (found.iterations if "iterations" in budget else found.evaluations) == [spent] * 3


@pytest.mark.parametrize("method", [Forgetful, SSBroyden])
@pytest.mark.parametrize("at", [0, 1, 9, 40, 90])
def test_resumed_equals_uninterrupted_bit_for_bit(method, at):
    start = starts(4, 12)
    whole = method(Given(rosenbrock), start, **BUDGET)
    for _ in range(at):
        whole.advance()
    file = io.BytesIO()
    torch.save(whole.state(), file)
    resumed = method(Given(rosenbrock), start, **BUDGET)
    file.seek(0)
    resumed.restore(torch.load(file, weights_only=True))
    for one in (whole, resumed):
        while not one.done:
            one.advance()
    assert torch.equal(whole.parameters, resumed.parameters)
    assert whole.values == resumed.values
    assert whole.evaluations == resumed.evaluations


def test_self_scaled_broyden_ends_where_bfgs_ends():
    start = starts(4, 20)
    found = run(rosenbrock, start, SSBroyden)
    for k in range(4):
        known = scipy(rosenbrock, start[k])
        assert found.values[k] == pytest.approx(known.fun, rel=1e-9, abs=1e-20)


def test_self_scaled_broyden_is_told_rarely_that_its_first_trial_is_too_long():
    """With trials of length 1 it looks 1.5 to 1.8 times a step."""
    found = run(rosenbrock, starts(6, 20), SSBroyden, iterations=100)
    assert found.iterations == [100] * 6
    assert max(found.evaluations) < 135


def test_self_scaled_broyden_s_matrix_satisfies_the_secant_equation_and_stays_positive():
    generator = torch.Generator().manual_seed(5)
    curvature = torch.logspace(0, 3, 7, dtype=torch.float64)
    inverse = SelfScaled(torch.zeros(1, 7, dtype=torch.float64))
    x = torch.randn(1, 7, generator=generator, dtype=torch.float64)
    direction = -(curvature * x)
    for round in range(12):
        s = 10.0 ** -(round % 4) * direction
        y, g = curvature * s, curvature * (x + s)
        direction = -inverse.update(s, y, g, [0])
        x = x + s
        torch.testing.assert_close(inverse._matrix[0] @ y[0], s[0])
        assert torch.equal(inverse._matrix, inverse._matrix.mT)
        assert torch.linalg.eigvalsh(inverse._matrix[0]).min() > 0.0
    assert inverse.counts == [12]


@pytest.mark.parametrize("method", [LBFGS, SSBroyden])
def test_where_the_functions_become_others_it_goes_on_with_those(method):
    start = starts(2, 6)
    given = Given(quadratic(10.0))
    found = method(given, start, **BUDGET)
    while not found.done:
        found.advance()
    given.differentiated = lambda x: quadratic(10.0)(x - 1.0)
    found.renew()
    assert not any(found.finished)
    assert found.values == pytest.approx(quadratic(10.0)(found.parameters - 1.0)[0].tolist())
    while not found.done:
        found.advance()
    torch.testing.assert_close(found.parameters, torch.ones_like(start))
