"""The Fredholm integral in one forward pass, against a pass for each of its nodes."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from dev.bench.comparison import Case, Comparison, Peer
from dev.bench.peers.trainer import one_after_another, trainer_steps
from dgm_core import Setup, load_problem
from dgm_core.calculus import Field
from dgm_core.formulation.terms import Points, Residuals
from dgm_core.problems.fredholm import Fredholm

SEEDS = range(5)


class _LoopedFredholm(Fredholm):
    """The same equation with one forward pass for each node."""

    def residuals(self, u: Field, points: Points) -> Residuals:
        x = points["interior"]
        unit, weights = self._rule(points, "nodes", x)
        nodes = self._nodes(x, unit)
        total = torch.zeros_like(x)
        for j in range(nodes.shape[-1]):
            t = nodes[..., j : j + 1]
            total = total + weights[j] * self.kernel(x, t) * u(t)
        return {"interior": self.alpha(x) * u(x) - self.forcing(x) - self.factor * self._length(x) * total}


def cases() -> Iterator[Case]:
    """The paper's way, seed after seed and node after node, and all of it at once."""
    setup = Setup.named(load_problem("fredholm"), "paper")
    looped = Setup(_LoopedFredholm(), setup.config)
    yield Case(
        f"fredholm, {len(SEEDS)} seeds",
        (
            Peer("a loop over 50 forward passes", one_after_another(looped, SEEDS), len(SEEDS)),
            Peer("one forward pass for all", trainer_steps(setup, SEEDS), len(SEEDS)),
        ),
    )


QUADRATURE = Comparison(
    "quadrature",
    "the Fredholm integral node by node and at once",
    "ms for each replicate and iteration",
    cases,
)
