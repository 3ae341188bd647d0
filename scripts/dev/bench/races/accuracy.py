"""Second-order settings against the settings that our searches found before, DeepXDE's way, and jinns."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dev.bench.peers.deepxde_accuracy import deepxde_course
from dev.bench.peers.jinns_accuracy import METHODS, jinns_course
from dev.bench.race import Course, Race, RaceHeat, Runner
from dgm_core import Setup, Trainer, load_problem

LAPS = 60
"""Looks at the error, about, in one training."""
FIRST_ORDER = {
    "heat": "tuned",
    "exponential-decay": "tuned",
    "fredholm": "tuned",
    "helmholtz": "default",
    "burgers": "default",
    "advection": "default",
    "poisson-nd": "default",
    "poisson-l-shape": "default",
    "fitzhugh-nagumo": "tuned",
}
"""Problem -> its settings by Adam, with a polish by L-BFGS where the search chose one."""
BY_DEEPXDE = ("heat", "burgers", "helmholtz", "poisson-l-shape")
BY_JINNS = ("heat", "burgers")


def course(setup: Setup) -> Callable[[int], Course]:
    """A training of one seed by itself."""

    def of(seed: int) -> Course:
        config = setup.config
        trainer = Trainer(setup, [seed])
        step = max(1, config.iterations // LAPS)
        look = max(1, 2 * config.windows * config.polish_iterations // LAPS)
        while not trainer.done:
            for _ in range(look if trainer.polishing else step):
                if not trainer.done:
                    trainer.advance(config.iterations, seconds=0.0, pause_polish=True)
            yield lambda: trainer.evaluate().rel_l2[0]

    return of


def heats() -> Iterator[RaceHeat]:
    """Problems whose "second-order" settings are there."""
    for name, settings in FIRST_ORDER.items():
        problem = load_problem(name)
        runners = [
            Runner(f"first order ({settings})", course(Setup.named(problem, settings))),
            Runner("second order", course(Setup.named(problem, "second-order"))),
        ]
        if name in BY_DEEPXDE:
            runners.append(Runner("DeepXDE, Adam then L-BFGS", deepxde_course(name), needs=("deepxde",)))
        if name in BY_JINNS:
            runners += [
                Runner(f"jinns, {each}", jinns_course(name, each), needs=("jinns",)) for each in METHODS
            ]
        yield RaceHeat(name, tuple(runners))


ACCURACY = Race("accuracy", "time to reach the error of first-order training, and error at its time", heats)
