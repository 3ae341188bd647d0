"""Integrals inside equations: over the domain, along an axis, with kernels, and over a history."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core import ConfigurationError, Problem, Setup, Trainer
from dgm_core.calculus import Automatic
from dgm_core.formulation import (
    Ball,
    Box,
    Dirichlet,
    Holds,
    InitialValueProblem,
    Integral,
    InTime,
    Neumann,
    Product,
)

torch.set_num_threads(1)


class Memory(InitialValueProblem):
    """u′ = −∫₀ᵗ u, u(0) = 1: the cosine."""

    outputs = ("u",)
    domain = Box(t=(0.0, 3.0))
    history = Integral(over="t", until=True)

    def initial_state(self, like):
        return torch.ones_like(like[:1, :1, :1])

    def equation(self, y):
        return y.d("t") + self.history(y)

    def reference(self, t):
        return torch.cos(t)


class Feedback(Problem):
    """u_t = u_xx + ∫₀¹ u ds − f: each instant has an integral of its own."""

    domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))

    def equation(self, y):
        source = -y.x[..., :1] * torch.exp(-y.x[..., 1:]) - 0.5 * torch.exp(-y.x[..., 1:])
        return y.d("t") - y.d("x", "x") - Integral()(y) - source

    @property
    def conditions(self):
        known = Dirichlet(self.reference)
        return {"start": (self.domain.initial, known), "ends": (self.domain.boundary, known)}

    def reference(self, p):
        return p[..., :1] * torch.exp(-p[..., 1:])


class Kernel(Problem):
    """Fredholm's equation as any other: u = eˣ − x + ∫₀¹ x s u(s) ds."""

    domain = Box(x=(0.0, 1.0))

    def equation(self, y):
        inside = Integral(lambda s: s.at[..., :1] * s.x[..., :1] * s.value, over="x", nodes=12)
        return y.value - torch.exp(y.x) + y.x - inside(y)

    def reference(self, x):
        return torch.exp(x)


class Mode(Problem):
    """−u″ = π² u with ∫ u′² = π² / 2 in place of a slope."""

    domain = Box(x=(0.0, 1.0))

    def equation(self, y):
        return y.d("x", "x") + math.pi**2 * y.value

    @property
    def conditions(self):
        energy = Integral(lambda s: s.d("x") ** 2)
        middle = self.domain.at(x=0.5)
        return {
            "ends": (self.domain.boundary, Dirichlet()),
            "size": (middle, Holds(lambda y: energy(y) - math.pi**2 / 2)),
        }

    def reference(self, x):
        return torch.sin(math.pi * x)


class Pipe(Problem):
    """Laplace's equation in a cylinder, an insulated wall between two ends."""

    domain = Product(Ball(), Box(z=(0.0, 2.0)))

    def equation(self, y):
        return y.laplacian()

    @property
    def conditions(self):
        parts = self.domain.parts
        return {
            "wall": (parts["surface"], Neumann()),
            "inlet": (parts["z_min"], Dirichlet()),
            "outlet": (parts["z_max"], Dirichlet(2.0)),
        }

    def reference(self, x):
        return x[..., 2:]


@pytest.mark.parametrize("kind", [Memory, Feedback, Kernel, Mode, Pipe])
def test_an_exact_solution_satisfies_it(kind):
    """Making a problem checks its reference against the equation, to rounding."""
    kind()


def test_a_wrong_integral_is_refused():
    class Wrong(Memory):
        history = Integral(lambda s: 1.1 * s.value, over="t", until=True)

    with pytest.raises(ConfigurationError, match="does not satisfy its term 'interior'"):
        Wrong()


@pytest.mark.parametrize(
    ("domain", "content"),
    [(Ball(), math.pi), (InTime(Ball(), (0.0, 1.0)), math.pi), (Box(x=(0.0, 2.0)), 2.0)],
)
def test_a_constant_over_space_is_the_content(domain, content):
    x = torch.rand(2, 5, len(domain.axes), dtype=torch.float64)
    y = Automatic(lambda x: torch.full_like(x[..., :1], 3.0), x, [axis.name for axis in domain.axes])
    y.field, y.domain = lambda x: torch.full_like(x[..., :1], 3.0), domain
    assert torch.allclose(Integral()(y), torch.tensor(3.0 * content, dtype=torch.float64))


def test_a_history_is_never_cut_into_windows():
    assert Setup.named(Memory()).config.windows == 1
    with pytest.raises(ConfigurationError, match="memory integrates over time"):
        Setup.named(Memory()).changed({"windows": 2})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Integral(nodes=0), "nodes = 0"),
        (lambda: Integral(until=True), "needs one axis"),
        (lambda: Integral()(Automatic(lambda x: x, torch.zeros(1, 1, 1), ("x",))), "of a problem only"),
    ],
)
def test_what_is_no_integral_is_refused(make, words):
    with pytest.raises(ConfigurationError, match=words):
        make()


@pytest.mark.parametrize("kind", [Memory, Feedback, Pipe])
def test_it_is_trained_in_recorded_steps(kind):
    """The second step is recorded and replayed, and lowers the error."""
    changes = {"iterations": 40, "batch_size": 16, "width": 12, "depth": 1, "polish": "none"}
    trainer = Trainer(Setup.named(kind()).changed(changes), [0, 1])
    before = trainer.evaluate().rel_l2
    trainer.advance(40)
    after = trainer.evaluate().rel_l2
    assert trainer.notes == ()
    assert trainer.operations is not None
    assert all(late < early for late, early in zip(after, before, strict=True))
