"""Widths that fill the processor's registers, and others."""

from __future__ import annotations

from collections.abc import Iterator

from dev.bench.comparison import Case, Comparison, Peer
from dev.bench.peers.trainer import trainer_steps
from dgm_core import Setup, load_problem

SEEDS = range(5)
WIDTHS = (32, 4, 10, 16, 20, 50, 64, 100)


def cases() -> Iterator[Case]:
    """The heat equation with the paper's settings but for its network's width."""
    setup = Setup.named(load_problem("heat"), "paper").changed({"batch_size": 64})
    yield Case(
        f"2→w→w→w→1, K = {len(SEEDS)}",
        tuple(
            Peer(f"w = {width}", trainer_steps(setup.changed({"width": width}), SEEDS), len(SEEDS))
            for width in WIDTHS
        ),
    )


WIDTH = Comparison(
    "widths",
    "training steps of the heat equation, batch 64, by the width of its network",
    "ms for each replicate and iteration",
    cases,
)
