"""Training steps of the paper's other equations, against loops written from its listings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from dev.bench.comparison import Case, Comparison, Peer
from dev.bench.peers import listings
from dev.bench.peers.trainer import trainer_steps
from dgm_core import Setup, load_problem

SEEDS = range(5)

LOOPS: dict[str, tuple[Callable[[], nn.Module], listings.Loss]] = {
    "exponential-decay": (lambda: listings.ListingMLP(1, 1, 2, 32), listings.decay_loss),
    "fredholm": (lambda: listings.ListingDGM(1, 1, 1, 32, nn.ReLU()), listings.fredholm_loss),
    "fitzhugh-nagumo": (
        lambda: listings.ListingDGM(1, 2, 4, 128, nn.Tanh()),
        listings.fitzhugh_nagumo_loss,
    ),
}


def cases() -> Iterator[Case]:
    """Each equation with its paper's settings; one network at a time in the loop, five in the Trainer."""
    for problem, (network, loss) in LOOPS.items():
        setup = Setup.named(load_problem(problem), "paper")
        loop = listings.listing_steps(network, loss, setup.config.batch_size)
        yield Case(
            f"{problem}, batch {setup.config.batch_size}, K = {len(SEEDS)}",
            (
                Peer("paper's loop", loop),
                Peer(
                    "Trainer, nested autograd",
                    trainer_steps(setup, SEEDS, carry=False),
                    len(SEEDS),
                ),
                Peer("Trainer", trainer_steps(setup, SEEDS), len(SEEDS)),
            ),
        )


LISTINGS = Comparison(
    "listings",
    "training steps of the paper's other equations, with its settings",
    "ms for each replicate and iteration",
    cases,
)
