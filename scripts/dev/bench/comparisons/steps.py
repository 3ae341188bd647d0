"""A training step of the heat equation: the paper's loop, this project, JAX, DeepXDE and the floor."""

from __future__ import annotations

from collections.abc import Iterator

from dev.bench.comparison import Case, Comparison, Peer
from dev.bench.peers.deepxde_heat import deepxde_steps
from dev.bench.peers.jax_heat import jax_share, jax_steps
from dev.bench.peers.listings import ListingMLP, heat_loss, listing_steps
from dev.bench.peers.products import product_steps
from dev.bench.peers.trainer import trainer_steps
from dgm_core import Setup, load_problem

BATCH = 64
NETWORKS = {"2→32→32→32→1": (3, 32), "2→128→128→128→128→1": (4, 128)}
REPLICATES = (1, 3, 5, 16)


def cases() -> Iterator[Case]:
    """Both editions' networks, by the number of replicates."""
    for network, (depth, width) in NETWORKS.items():
        for replicates in REPLICATES:
            yield Case(f"{network}, K = {replicates}", peers(depth, width, replicates))


def peers(depth: int, width: int, replicates: int) -> tuple[Peer, ...]:
    """Those that train one network at a time take as long for each, however many there are."""
    paper = Setup.named(load_problem("heat"), "paper")
    setup = paper.changed({"depth": depth, "width": width, "batch_size": BATCH})
    seeds = range(replicates)
    return (
        Peer("paper's loop", listing_steps(lambda: ListingMLP(2, 1, depth, width), heat_loss, BATCH)),
        Peer("Trainer, nested autograd", trainer_steps(setup, seeds, carry=False), replicates),
        Peer("Trainer", trainer_steps(setup, seeds), replicates),
        Peer("JAX", jax_steps(depth, width, replicates, BATCH), jax_share(replicates), ("jax",)),
        Peer("DeepXDE", deepxde_steps(depth, width, BATCH), needs=("deepxde",)),
        Peer("matrix products alone", product_steps(depth, width, replicates, BATCH), replicates),
    )


STEPS = Comparison(
    "steps",
    f"training steps of the heat equation, batch {BATCH}, new points at each",
    "ms for each replicate and iteration",
    cases,
)
