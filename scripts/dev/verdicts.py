"""`scripts/verdicts`: searches whose truth is known, and how often what is said of them is right.

Whole searches are simulated: the real plan suggests, stops, confirms and adds seeds, and the tables and the
verdict are made by the code that makes a report.  Only the trainings are drawn: the error of a setting at a
seed is the setting's true median times noise.
"""

from __future__ import annotations

import math
import tempfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import optuna
import typer
from optuna.distributions import FloatDistribution, IntDistribution
from rich.table import Table

from analysis import statistics
from analysis.load import Run
from analysis.scores import errors, headlines
from analysis.tables.after import rivals_table
from analysis.tables.cells import looks_of, paired_cells
from analysis.verdict import verdict
from dgm_cli.common import messages
from dgm_core import ConfigurationError, Setup, load_problem
from studies.planning.course import Course
from studies.planning.plans import SearchPlan
from studies.planning.trial import Trial
from studies.records.events import Metrics, Replicates
from studies.records.history import History
from studies.records.intervals import median_coverage, median_interval
from studies.records.log import Log, read_log
from studies.records.reduction import median, ranked
from studies.records.tables import trials_frame
from studies.running.describe import study_record
from studies.running.outcomes import conclude
from studies.study import Search

Noise = Callable[[np.random.Generator], float]
NOISES: dict[str, Noise] = {
    "normal": lambda rng: float(rng.normal()),
    "laplace": lambda rng: float(rng.laplace(scale=math.sqrt(0.5))),
    "uniform": lambda rng: float(rng.uniform(-math.sqrt(3.0), math.sqrt(3.0))),
}
"""Of the logarithm of an error, with mean 0 and variance 1."""
GOOD, POOR = {"learning_rate": 1e-2, "depth": 2}, {"learning_rate": 1e-3, "depth": 3}


@dataclass(frozen=True)
class Scenario:
    """What is true of the settings: how much they matter, and where the baseline stands.

    effect: by how much the logarithm of the median error grows with the distance from the best setting.
    """

    name: str
    effect: float
    baseline: dict[str, float]


SCENARIOS = (
    Scenario("no setting matters", 0.0, POOR),
    Scenario("the baseline is the best", 1.0, GOOD),
    Scenario("the baseline is a little worse", 0.2, POOR),
    Scenario("the baseline is much worse", 1.0, POOR),
)


@dataclass(frozen=True)
class World:
    """A scenario, and the noise of one simulated search."""

    scenario: Scenario
    draw: Noise
    spread: float
    number: int

    def median(self, setup: Setup) -> float:
        """The true median error of a setup."""
        rate, depth = setup.config.learning_rate, setup.config.depth
        away = (math.log10(rate) + 2.0) ** 2 + 0.3 * abs(depth - 2)
        return 1e-3 * math.exp(self.scenario.effect * away)

    def error(self, setup: Setup, seed: int, iterations: int) -> float:
        """The error of a setup at a seed: a part of the noise is the seed's own, which all settings share."""
        key = f"{setup.config.learning_rate!r} {setup.config.depth}"
        shared = self.draw(np.random.default_rng([self.number, seed]))
        separate = self.draw(np.random.default_rng([self.number, seed, zlib.crc32(key.encode())]))
        behind = (setup.config.iterations / iterations) ** 0.5
        return self.median(setup) * behind * math.exp(self.spread * (0.5 * shared + separate))


@dataclass
class Tally:
    """What was said of some searches, and how often it was right.

    wrong: of each claim, whether the truth is otherwise.  winner, ratio: whether an interval holds the truth.
    coverage: what the winner's intervals claim.  chance, best: how likely the named winner is said to be the
    best of those confirmed, and whether it is.
    """

    searches: int = 0
    wrong: list[bool] = field(default_factory=list)
    winner: list[bool] = field(default_factory=list)
    coverage: list[float] = field(default_factory=list)
    ratio: list[bool] = field(default_factory=list)
    chance: list[float] = field(default_factory=list)
    best: list[float] = field(default_factory=list)

    def add(self, world: World, study: Search, run: Run, setups: Mapping[str, Setup]) -> None:
        """Compares one search's tables and its verdict with the truth.  setups: of its trials, by name."""
        self.searches += 1
        if run.study.winner is None:
            return
        named, rows = run.study.winner.trial, headlines(run.trials)
        truth, base = world.median(setups[named]), world.median(study.compared)
        values = errors(rows["winner"])
        _, low, high = median_interval(values)
        self.winner.append(low <= truth <= high)
        self.coverage.append(median_coverage(len(values)))
        rng = np.random.default_rng(run.study.seed)
        cells = paired_cells(rows["winner"], rows["baseline"], rng, looks_of(run.study))
        self.ratio.append(cells["ratio_low"] <= truth / base <= cells["ratio_high"])
        said = verdict(run.study, run.trials)
        if "better than the baseline" in said:
            self.wrong.append(not truth < base)
        elif "keep the baseline" in said:
            self.wrong.append(not truth > base)
        table = rivals_table(run)
        if len(table):
            medians = np.array([world.median(setups[trial]) for trial in table["trial"]])
            least, winner = medians == medians.min(), table["winner"].to_numpy(bool)
            self.chance.append(float(table.loc[winner, "best_of_these"].iloc[0]))
            self.best.append(float(least[winner][0] / least.sum()))


def verdicts(
    searches: Annotated[int, typer.Option(help="Of each scenario.")] = 400,
    spread: Annotated[float, typer.Option(help="Standard deviation of the noise, in ln of the error.")] = 0.4,
    noise: Annotated[str, typer.Option(help=f"{', '.join(NOISES)}.")] = "normal",
    confirmations: Annotated[int, typer.Option(help="Fresh seeds.")] = 6,
    confirm_limit: Annotated[
        int | None, typer.Option(help="Most fresh seeds, added while it is open.")
    ] = None,
    sampler: Annotated[str, typer.Option(help="Of the searches.")] = "random",
) -> None:
    """Simulates the searches, and prints what they claimed and how often it was right."""
    if noise not in NOISES:
        raise ConfigurationError(f"there is no noise {noise!r}: {', '.join(NOISES)}.")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    table = Table("scenario", "claims", "wrong claims", "winner inside", "ratio inside", "best of 3")
    for scenario in SCENARIOS:
        study = _study(scenario, confirmations, confirm_limit, sampler)
        tally = Tally()
        for number in range(searches):
            world = World(scenario, NOISES[noise], spread, number)
            tally.add(world, study, *simulated(study, world))
        table.add_row(scenario.name, *_cells(tally))
    messages.print(table)
    messages.print(f"{searches} searches each. {_LEGEND}", highlight=False)


def simulated(study: Search, world: World) -> tuple[Run, dict[str, Setup]]:
    """A search whose trainings are drawn, as its tables have it, and the setups of its trials."""
    with tempfile.TemporaryDirectory() as folder:
        with Log(Path(folder)) as log:
            course = Course(SearchPlan(study, world.number, {}), log, [])
            setups = _trained(course, world)
            record = study_record(study, run="one", seed=world.number, quick=False, cores=1, command=None)
            record.state = conclude(course, record)
        trials = trials_frame(History(read_log(Path(folder))), study.base.problem.terms, "mae")
        return Run(Path(folder), record, trials), setups


def _trained(course: Course, world: World) -> dict[str, Setup]:
    setups = {}
    while (trial := course.next(1)) is not None:
        setups[trial.name] = trial.setup
        for stop in (*trial.rungs, trial.setup.config.iterations):
            if not course.entry(trial.name).running:
                break
            course.report(trial.name, _metrics(trial, stop, world))
    return setups


def _metrics(trial: Trial, iterations: int, world: World) -> Metrics:
    scores: list[float | None] = [world.error(trial.setup, seed, iterations) for seed in trial.seeds]
    return Metrics(
        iterations=iterations,
        score=float(median(ranked(scores))),
        final=iterations == trial.setup.config.iterations,
        loss=None,
        seconds=0.0,
        parameters=1,
        replicates=Replicates(
            status=["completed"] * len(scores),
            scores=scores,
            errors={"mae": scores},
            losses=[[0.0] * (1 + len(trial.setup.problem.terms))] * len(scores),
            diverged_at=[None] * len(scores),
        ),
    )


def _study(scenario: Scenario, confirmations: int, limit: int | None, sampler: str) -> Search:
    base = Setup.named(load_problem("exponential-decay")).changed({"iterations": 400, "batch_size": 4})
    return Search(
        name="known-truth",
        base=base,
        baseline=base.changed(scenario.baseline),
        space={
            "learning_rate": FloatDistribution(1e-4, 1.0, log=True),
            "depth": IntDistribution(1, 3),
        },
        trials=12,
        startup_trials=4,
        replicates=3,
        confirmations=confirmations,
        confirm_limit=limit,
        confirm_top=3,
        sampler=sampler,
        grace_period=100,
        reduction_factor=2,
    )


def _cells(tally: Tally) -> list[str]:
    return [
        f"{len(tally.wrong) / tally.searches:.0%}",
        _share(sum(tally.wrong), tally.searches),
        f"{_share(sum(tally.winner), len(tally.winner))}, claimed {np.mean(tally.coverage):.1%}",
        _share(sum(tally.ratio), len(tally.ratio)),
        f"{np.mean(tally.best):.0%}, said {np.mean(tally.chance):.0%}",
    ]


_LEGEND = (
    "claims: verdicts that name a direction.  wrong claims: share of all searches, meant to be at most 5 %.  "
    "winner, ratio inside: share of 95 % intervals that hold the truth.  best of 3: how often the winner is "
    "the best of those confirmed."
)


def _share(count: int, n: int) -> str:
    share = statistics.rate(count, n)
    return f"{100 * share.point:.1f} [{100 * share.low:.1f}, {100 * share.high:.1f}] %"


if __name__ == "__main__":
    typer.run(verdicts)
