"""Conditions along outlines of few and of many edges."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from dev.bench.comparison import Case, Comparison, Peer, Work
from dev.bench.peers.trainer import trainer_steps
from dgm_core import Problem, Setup
from dgm_core.formulation import Condition, Dirichlet, Neumann, Polygon

SEEDS = range(5)
EDGES = (8, 600)


def cases() -> Iterator[Case]:
    """Laplace's equation in regular polygons."""
    yield Case(
        f"K = {len(SEEDS)}",
        tuple(
            Peer(f"{type(condition).__name__}, {edges} edges", _steps(edges, condition), len(SEEDS))
            for condition in (Dirichlet(), Neumann())
            for edges in EDGES
        ),
    )


def _steps(edges: int, condition: Condition) -> Callable[[], Work]:
    angles = [2.0 * math.pi * i / edges for i in range(edges)]

    class Plate(Problem):
        name = f"plate-{edges}-{type(condition).__name__.lower()}"
        domain = Polygon(tuple((math.cos(angle), math.sin(angle)) for angle in angles))

        def equation(self, y):  # type: ignore[no-untyped-def]
            return y.laplacian()

        @property
        def conditions(self):  # type: ignore[no-untyped-def]
            return {"edge": (self.domain.boundary, condition)}

    return trainer_steps(Setup.named(Plate(), "plain"), SEEDS)


EDGE = Comparison(
    "edges",
    "training steps of Laplace's equation in a regular polygon, batch 64, by its edges and their condition",
    "ms for each replicate and iteration",
    cases,
)
