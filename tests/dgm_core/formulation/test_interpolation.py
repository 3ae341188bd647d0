"""Tables as coefficients and data of an equation: functions of the points, that a recorded step follows."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy
import torch

from dgm_core import Setup, Trainer
from dgm_core.formulation import Box, Dirichlet, Problem, Table

torch.set_num_threads(1)


def uniform(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_a_table_over_one_axis_is_scipys_cubic_spline_and_so_are_its_derivatives() -> None:
    nodes = uniform(20, 1)
    table = Table(nodes, torch.cat([torch.sin(3 * nodes), nodes**2], dim=1))
    order = np.argsort(nodes[:, 0].numpy())
    spline = scipy.interpolate.make_interp_spline(nodes[order, 0].numpy(), table.values[order].numpy())
    x = (1.4 * uniform(2, 30, 1, seed=1) - 0.2).requires_grad_()  # beyond both ends too
    values = table(x)
    (slope,) = torch.autograd.grad(values[..., 0].sum(), x, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), x)
    at = x.detach().numpy()[..., 0]
    np.testing.assert_allclose(values.detach(), spline(at), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(slope.detach()[..., 0], spline(at, nu=1)[..., 0], rtol=1e-8, atol=1e-7)
    np.testing.assert_allclose(curvature[..., 0], spline(at, nu=2)[..., 0], rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("d", [2, 3])
def test_scattered_points_are_interpolated_linearly(d: int) -> None:
    """A linear function is met exactly inside of the hull, with its slope; outside is the nearest value."""
    corners = torch.cartesian_prod(*d * [torch.tensor([0.0, 1.0], dtype=torch.float64)])
    nodes = torch.cat([corners, uniform(150, d)]) * 1e-6  # micrometres
    slope = torch.arange(1.0, d + 1.0, dtype=torch.float64)
    table = Table(nodes, (nodes @ slope)[:, None])
    x = (1e-6 * uniform(3, 40, d, seed=2)).requires_grad_()
    values = table(x)
    torch.testing.assert_close(values[..., 0], x @ slope, rtol=1e-9, atol=1e-18)
    (found,) = torch.autograd.grad(values.sum(), x)
    torch.testing.assert_close(found, slope.expand(3, 40, d), rtol=1e-6, atol=0)
    torch.testing.assert_close(table(nodes.clone()), table.values, rtol=1e-12, atol=1e-20)
    beyond = torch.full((1, d), 5e-6, dtype=torch.float64)
    assert table(beyond).item() == pytest.approx(1e-6 * slope.sum().item())


def test_a_table_of_two_axes_agrees_with_scipy() -> None:
    nodes = uniform(300, 2)
    table = Table(nodes, torch.sin(nodes.sum(1, keepdim=True)))
    x = uniform(500, 2, seed=3)
    expected = scipy.interpolate.LinearNDInterpolator(nodes.numpy(), table.values.numpy(), rescale=True)(x)
    inside = ~np.isnan(expected)
    assert inside.sum() > 400
    np.testing.assert_allclose(table(x).numpy()[inside], expected[inside], rtol=1e-9)


class Rod(Problem):
    """−((1 + x) u′)′ written as k u″ = −1 with k = 1 + x: u″ = −1 / (1 + x), both ends at zero."""

    domain = Box(x=(0.0, 1.0))

    def conductivity(self, x):
        return 1.0 + x

    def equation(self, y):
        return self.conductivity(y.x) * y.d("x", "x") + 1.0

    @property
    def conditions(self):
        return {"ends": (self.domain.boundary, Dirichlet())}

    def reference(self, x):
        return 2.0 * math.log(2.0) * x - (1.0 + x) * torch.log(1.0 + x)


NODES = torch.linspace(0.0, 1.0, 51, dtype=torch.float64)[:, None]
TABLE = Table(NODES, 1.0 + NODES)


class TableRod(Rod):
    def conductivity(self, x):
        return TABLE(x)


class NumpyRod(Rod):
    def conductivity(self, x):
        k = np.interp(x.detach().numpy(), NODES[:, 0], TABLE.values[:, 0])
        return torch.from_numpy(k).to(x.dtype)


@pytest.mark.parametrize("problem", [Rod, TableRod, NumpyRod])
def test_a_coefficient_is_followed_whatever_computes_it(problem: type[Rod]) -> None:
    changes = {"iterations": 40, "width": 8, "depth": 1, "batch_size": 16, "learning_rate": 1e-2}
    trainers = [
        Trainer(Setup.named(one()).changed({**changes, "polish_iterations": 0}), [0, 1])
        for one in (Rod, problem)
    ]
    for trainer in trainers:
        trainer.advance(40)
    exact, ours = trainers
    torch.testing.assert_close(ours.curves.losses, exact.curves.losses, rtol=1e-3, atol=1e-6)
    assert (ours.operations is None) == (problem is NumpyRod)
    assert [f"{__file__}, line" in note for note in ours.notes] == ([True] if problem is NumpyRod else [])
    assert ours.result().notes == ours.notes


class DriftingNumber(Rod):
    """A factor that NumPy computes from the points: another one at each step."""

    def equation(self, y):
        return float(np.cos(y.x.detach().numpy()).mean()) * y.d("x", "x") + y.d("x")

    reference = Problem.reference

    def examine(self):
        """Not checked: a number of all replicates' points mixes them, and would be refused."""


def test_a_number_from_the_points_is_not_folded_into_what_is_carried() -> None:
    setup = Setup.named(DriftingNumber(), "plain").changed({"iterations": 20, "width": 8, "batch_size": 16})
    carried, nested = Trainer(setup, [0, 1]), Trainer(setup, [0, 1], carry=False)
    for trainer in (carried, nested):
        trainer.advance(20)
    torch.testing.assert_close(carried.curves.losses, nested.curves.losses, rtol=1e-4, atol=1e-6)
