"""This project's `Trainer` as a peer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dev.bench.comparison import Work
from dgm_core import Setup, Trainer

ENDLESS = 100_000_000
"""Iterations of a setup that no measurement reaches the end of."""


def trainer_steps(setup: Setup, seeds: Sequence[int], *, carry: bool = True) -> Callable[[], Work]:
    """Iterations of a setup, its schedule's length apart; with `carry` off by nested autograd."""
    endless = setup.changed({"iterations": ENDLESS, "polish_iterations": 0, "windows": 1})

    def make() -> Work:
        trainer = Trainer(endless, seeds, carry=carry)
        return lambda iterations: trainer.advance(trainer.iteration + iterations)

    return make


def one_after_another(setup: Setup, seeds: Sequence[int]) -> Callable[[], Work]:
    """The same with a training of its own for each seed."""

    def make() -> Work:
        works = [trainer_steps(setup, [seed])() for seed in seeds]

        def work(iterations: int) -> None:
            for own in works:
                own(iterations)

        return work

    return make
