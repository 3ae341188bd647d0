"""Energies in place of residuals, and the metric that Gauss and Newton's method then has."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core import ConfigurationError, Setup, TrainConfig, Trainer, train
from dgm_core.formulation import Box, Dirichlet, Energy, Neumann, Problem, Trained
from dgm_core.training.objective import PieceObjective
from dgm_core.training.parameters import FlatParameters


class Square(Problem):
    """−Δu = f on a square, zero on its boundary."""

    domain = Box(x=(0.0, 1.0), y=(0.0, 1.0))

    def force(self, x):
        return 2.0 * math.pi**2 * self.reference(x)

    def equation(self, y):
        return -y.laplacian() - self.force(y.x)

    def energy(self, y):
        return Energy(y.gradient(), -self.force(y.x) * y.value)

    @property
    def conditions(self):
        return {"edge": (self.domain.boundary, Dirichlet())}

    def reference(self, x):
        return torch.sin(math.pi * x[..., :1]) * torch.sin(math.pi * x[..., 1:])


SMALL = {
    "formulation": "energy",
    "hard_conditions": True,
    "input_scaling": "unit",
    "depth": 2,
    "width": 8,
    "sampler": "sobol",
    "batch_size": 400,
    "redraw_every": 0,
    "precision": "float64",
}


def setup(problem=None, **changes):
    return Setup(problem or Square(), TrainConfig.create({**SMALL, **changes}))


def test_the_natural_gradient_lowers_an_energy_far_faster_than_adam():
    """In 20 steps below what Adam reaches in 400, on the same points."""
    natural = train(setup(optimizer="gauss-newton", iterations=20), [1, 2])
    adam = train(setup(optimizer="adam", learning_rate=1e-2, schedule="cosine", iterations=400), [1, 2])
    for k in range(2):
        assert natural.curves.losses[-1, k, 0] < adam.curves.losses[-1, k, 0]
    assert natural.curves.losses[-1, :, 0].tolist() == pytest.approx([-(math.pi**2) / 4] * 2, rel=0.02)


def test_the_field_with_the_least_energy_is_the_solution():
    """As far as points tell: 2000 of them to a hundredth, and the least value of the energy too."""
    result = train(setup(optimizer="gauss-newton", iterations=20, batch_size=2_000), [3])
    assert result.errors.rel_l2[0] < 1e-2
    assert result.curves.losses[-1, 0, 0].item() == pytest.approx(-(math.pi**2) / 4, rel=1e-2)


def test_the_metric_is_the_gramian_of_the_gradients():
    trainer = Trainer(setup(optimizer="sgd", iterations=1, batch_size=20), [5, 6])
    piece = trainer._stage.piece
    x = torch.rand(2, 20, 2, dtype=torch.float64)
    flat = FlatParameters(piece.network)
    made = PieceObjective(piece, flat, trainer._stage.config, {"interior": x, "edge": x})
    start = flat.values.detach().clone()
    rows = made.linearised(start)
    square, _ = rows.normal()
    values, half = rows.function

    def gradients(k):
        def of(parameters):
            made.write(torch.stack([parameters if j == k else start[j] for j in range(2)]))
            at = x.clone().requires_grad_()
            (slopes,) = torch.autograd.grad(piece(at)[k].sum(), at)
            return slopes[k].flatten()

        step = 1e-5
        columns = []
        for i in range(start.shape[1]):
            unit = torch.zeros_like(start[k])
            unit[i] = step
            columns.append((of(start[k] + unit) - of(start[k] - unit)) / (2 * step))
        return torch.stack(columns, dim=1)

    for k in range(2):
        jacobian = gradients(k)
        torch.testing.assert_close(square[k], jacobian.T @ jacobian / (2 * 20), rtol=1e-5, atol=1e-7)
    expected, slope = made.differentiated(start)
    assert torch.equal(values, expected)
    assert torch.equal(2.0 * half, slope)


def test_each_replicate_is_what_it_is_alone():
    both = train(setup(optimizer="gauss-newton", iterations=8), [4, 9])
    alone = train(setup(optimizer="gauss-newton", iterations=8), [9])
    torch.testing.assert_close(both.curves.losses[:, 1], alone.curves.losses[:, 0], rtol=1e-6, atol=0.0)


def test_no_second_derivative_of_residuals_bends_its_steps():
    straight, bent = (
        train(setup(optimizer=name, iterations=5), [4]).curves.losses
        for name in ("gauss-newton", "geodesic-gauss-newton")
    )
    assert torch.equal(straight, bent)


@pytest.mark.parametrize(
    "optimizer", ["gauss-newton", "geodesic-gauss-newton", "spring", "ssbroyden", "lbfgs"]
)
def test_no_step_raises_it_and_fewer_points_than_parameters_will_do(optimizer):
    losses = train(setup(optimizer=optimizer, iterations=15, batch_size=20), [1]).curves.losses[:, 0, 0]
    assert (losses.diff() <= 1e-12).all()
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"term_scaling": "unit"}, "term_scaling = 'unit': an energy has not the size of a residual"),
        ({"last_layer": "least-squares"}, "last_layer = 'least-squares': it solves for small residuals"),
        ({"balancing": "ntk", "redraw_every": 1}, "balancing = 'ntk'"),
        ({"adaptation": "rad", "redraw_every": 1}, "adaptation = 'rad': an integral needs points"),
        ({"formulation": "weak"}, "formulation"),
    ],
)
def test_what_does_not_go_with_an_energy_is_refused_in_a_sentence(changes, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        setup(**changes)


def test_so_are_problems_that_have_none():
    class Plain(Square):
        energy = Problem.energy

    class Flux(Square):
        @property
        def conditions(self):
            return {"edge": (self.domain.boundary, Neumann(lambda x: -math.pi * _along(x)))}

    class Unknown(Square):
        k: float = Trained(1.0, truth=1.0)

        def equation(self, y):
            return -self.k * y.laplacian() - self.force(y.x)

    with pytest.raises(ConfigurationError, match="plain gives no energy"):
        setup(Plain())
    with pytest.raises(ConfigurationError, match="the condition 'edge' of flux is Neumann"):
        setup(Flux(), hard_conditions=False)
    with pytest.raises(ConfigurationError, match="trained constants, which would lower the energy"):
        setup(Unknown())


def _along(x):
    """sin of the coordinate along the edge that a point is on."""
    upright = (x[..., :1] == 0.0) | (x[..., :1] == 1.0)
    return torch.sin(math.pi * torch.where(upright, x[..., 1:], x[..., :1]))


class Doubled(Square):
    """The load counts twice."""

    def energy(self, y):
        return Energy(y.gradient(), -2.0 * self.force(y.x) * y.value)


class Saddle(Square):
    """Indefinite, as that of the Helmholtz equation is."""

    def energy(self, y):
        return Energy(y.gradient(), -self.force(y.x) * y.value - 79.0 * y.value**2)


class Misshapen(Square):
    """One number for all points."""

    def energy(self, y):
        return Energy(y.gradient(), y.value.sum())


class Unfinished(Square):
    """Half of it is not written yet."""

    def energy(self, y):
        return Energy(y.gradient(), None)


class Bare(Square):
    """The density itself."""

    def energy(self, y):
        return 0.5 * y.gradient().square().sum(dim=-1, keepdim=True)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (Doubled, "does not belong to its reference"),
        (Saddle, "is not least at the reference"),
        (Misshapen, r"the rest part of the energy of misshapen has the shape \(\)"),
        (Unfinished, "the rest part of the energy of unfinished must be a tensor: it is a NoneType"),
        (Bare, r"must return Energy\(quadratic, rest\)"),
    ],
)
def test_an_energy_that_is_none_of_the_equation_is_refused(kind, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        kind()


class Unknown(Square):
    """Without a reference, the force 1."""

    reference = Problem.reference

    def force(self, x):
        return torch.ones_like(x[..., :1])


class Negative(Unknown):
    """Its sign is wrong."""

    def energy(self, y):
        return Energy(y.gradient(), -y.gradient().square().sum(dim=-1, keepdim=True))


class Indefinite(Unknown):
    """That of Helmholtz's equation above its first eigenvalue, 2 π²."""

    def energy(self, y):
        return Energy(y.gradient(), -0.5 * 30.0 * y.value**2)


class Loaded(Unknown):
    """A load and nothing that resists it."""

    def energy(self, y):
        return Energy(0.0 * y.gradient(), -y.value)


class Exploding(Unknown):
    """It soon overflows."""

    def energy(self, y):
        return Energy(y.gradient(), -torch.exp(y.value))


class Idle(Unknown):
    """It forgets the field."""

    def energy(self, y):
        return Energy(0.0 * y.gradient(), y.x[..., :1])


class Hidden(Unknown):
    """A part of its gradient is cut off."""

    def energy(self, y):
        return Energy(y.gradient(), -y.value * y.value.detach())


class Noisy(Unknown):
    """Another one in each step."""

    def energy(self, y):
        return Energy(y.gradient(), torch.rand_like(y.value) * y.value)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (Negative, "the energy of negative has no least value: .* look for a wrong sign"),
        (Indefinite, "the energy of indefinite has no least value"),
        (Loaded, "the energy of loaded has no least value"),
        (Exploding, "the energy of exploding has no least value"),
        (Idle, "the energy of idle does not depend on the solution"),
        (Hidden, "the gradient of the term 'energy' of hidden is wrong"),
        (Noisy, "the term 'energy' of noisy is another each time"),
    ],
)
def test_an_energy_without_a_reference_is_examined_too(kind, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        kind()


class Phases(Unknown):
    """Ginzburg and Landau's, whose two wells lie beside zero."""

    outputs = ("u", "v")

    def equation(self, y):
        return tuple(
            y.laplacian(output=i) - 50.0 * y.d(output=i) * (y.d(output=i) ** 2 - 1.0) for i in range(2)
        )

    def energy(self, y):
        wells = 12.5 * (y.value**2 - 1.0).square().sum(dim=-1, keepdim=True)
        return Energy(torch.cat([y.gradient(output=i) for i in range(2)], dim=-1), wells)


class Subcritical(Unknown):
    """That of Helmholtz's equation below its first eigenvalue."""

    def energy(self, y):
        return Energy(y.gradient(), -0.5 * 19.0 * y.value**2 - y.value)


@pytest.mark.parametrize("kind", [Unknown, Phases, Subcritical])
def test_an_energy_with_a_least_value_is_accepted(kind):
    assert kind()


class Written(Square):
    """In components and with a number, as an equation may be too."""

    def energy(self, y):
        return Energy((y.d("x"), y.d("y")), -self.force(y.x) * y.value)


class Harmonic(Square):
    """u_xx + u_yy = 0, whose energy has no load."""

    def equation(self, y):
        return y.laplacian()

    def energy(self, y):
        return Energy(y.gradient(), 0)

    @property
    def conditions(self):
        return {"edge": (self.domain.boundary, Dirichlet(self.reference))}

    def reference(self, x):
        return x[..., :1] * x[..., 1:]


def test_components_and_numbers_are_an_energy_too():
    changes = {"optimizer": "gauss-newton", "iterations": 2}
    assert torch.equal(
        train(setup(Written(), **changes), [1]).losses, train(setup(Square(), **changes), [1]).losses
    )
    soft = setup(Harmonic(), hard_conditions=False, **changes)
    assert math.isfinite(train(soft, [1]).losses[0, 0])


class Own(Square):
    """Residuals of its own, and no conditions."""

    conditions = Problem.conditions

    def regions(self):
        return {"interior": self.domain.interior, "edge": self.domain.boundary}

    def residuals(self, u, points):
        y = self.derivatives(u, points["interior"])
        return {"interior": self.equation(y), "edge": u(points["edge"])}


def test_terms_that_are_no_conditions_are_refused():
    with pytest.raises(ConfigurationError, match="the term 'edge' of own is none of its `conditions`"):
        setup(Own(), hard_conditions=False)
