"""Replicates as one batched axis, against one training after another."""

from __future__ import annotations

from collections.abc import Iterator

from dev.bench.comparison import Case, Comparison, Peer
from dev.bench.peers.trainer import one_after_another, trainer_steps
from dgm_core import Setup, load_problem

SEEDS = range(5)


def cases() -> Iterator[Case]:
    """The heat equation with the paper's settings."""
    setup = Setup.named(load_problem("heat"), "paper")
    yield Case(
        f"heat, {len(SEEDS)} seeds",
        (
            Peer("one after another", one_after_another(setup, SEEDS), len(SEEDS)),
            Peer("as one axis", trainer_steps(setup, SEEDS), len(SEEDS)),
        ),
    )


REPLICATES = Comparison(
    "replicates",
    "seeds trained one after another and as one batched axis",
    "ms for each replicate and iteration",
    cases,
)
