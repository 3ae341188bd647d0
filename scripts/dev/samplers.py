"""`scripts/samplers`: a search by every sampler, several seeds each, at equal cost, with confirmed errors.

Every search has the same budget on the clock of its study and as many trials as fit, on one core of this
process and without Ray: under that clock the search is the one that `dgm run` makes.  A row for each search
goes to a CSV file, which is gone on with.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import torch
import typer
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, TPESampler
from rich.table import Table

from dev.record import narrowed
from dev.searches import load_search
from dgm_cli.common import interval, messages
from dgm_core import ConfigurationError, Trainer
from studies.planning.plans import SearchPlan
from studies.planning.plans.base import PlanStage
from studies.planning.trial import Trial
from studies.records.events import Ended, Metrics
from studies.records.intervals import confirmed, median_coverage
from studies.samplers import SAMPLERS
from studies.study import Choice, PowersOfTwo, Search
from studies.trials.trainable import measure

OPTUNA = "tpe as Optuna has it"
_LEVELS = 7
_MOST = 1_000
"""Trials of a search, more than any budget here allows."""
COLUMNS = ("sampler", "seed", "trials", "completed", "winner", "median", "low", "high", "n", "seconds")


def own_tpe(seed: int) -> BaseSampler:
    """Optuna's default with nothing said."""
    return TPESampler(seed=seed)


def samplers(
    study: Annotated[str, typer.Argument(help="A search of the catalogue.")],
    out: Annotated[Path, typer.Argument(help="The CSV file; one that is there is gone on with.")],
    names: Annotated[str, typer.Option("--samplers", help="By default all, separated by commas.")] = "",
    seeds: Annotated[int, typer.Option(help="Searches by each.")] = 5,
    budget: Annotated[float, typer.Option(help="Of each search, in seconds of its own clock.")] = 15.0,
    grace_period: Annotated[int | None, typer.Option(help="Of its early stopping.")] = None,
    ranges: Annotated[list[str] | None, typer.Option("--range", help="KEY=LOW:HIGH of the space.")] = None,
    minutes: Annotated[float, typer.Option(help="After which no further search begins.")] = 60.0,
) -> None:
    """Trains until all searches are there or the time is up, then prints the table."""
    torch.set_num_threads(1)
    chosen = _smaller(study, ranges or [], budget, grace_period)
    rows = _read(out)
    known = {(row["sampler"], row["seed"]) for row in rows}
    deadline = time.perf_counter() + 60 * minutes
    methods = _methods(names.split(",") if names else [])
    for seed in range(seeds):  # all samplers at one seed first, so that a file cut short is even
        for name, change in methods.items():
            if (name, seed) in known or time.perf_counter() > deadline:
                continue
            rows.append({"sampler": name, "seed": seed, **searched(change(chosen), seed)})
            _write(out, rows)
            row = rows[-1]
            messages.print(f"{name}, seed {seed}: {row['trials']} trials, {interval(row)}", highlight=False)
    messages.print(_table(rows, chosen.base.problem.score))


def searched(study: Search, seed: int) -> dict[str, Any]:
    """What a search comes to: its trials, and the winner's error on fresh seeds."""
    began = time.perf_counter()
    plan = SearchPlan(study, seed, {})
    ends = _run(plan.search, plan)
    best = plan.search.best
    row: dict[str, Any] = {
        "trials": len(ends),
        "completed": sum(each == "completed" for each in ends.values()),
    }
    if plan.winner is None or best is None:
        return row | {"winner": "", **confirmed([np.inf] * study.confirmations), "seconds": 0.0}
    _run(plan.winner, plan)
    measured = sorted(plan.winner.measured.items())
    scores = [score for _, metrics in measured for score in metrics.replicates.scores]
    kept = {key: value for key, value in confirmed(scores).items() if key in COLUMNS}
    return row | {"winner": best.name, **kept, "seconds": round(time.perf_counter() - began, 1)}


def _run(stage: PlanStage, plan: SearchPlan) -> dict[str, str]:
    """Trains a stage of a plan to its end, each trial as far as the plan must know; trial to status."""
    training: dict[str, tuple[Trial, Trainer]] = {}
    statuses: dict[str, str] = {}
    while not stage.done:
        for trial in stage.ready():
            stage.take(trial.name)
            training[trial.name] = trial, Trainer(trial.setup, trial.seeds)
        name = next(each for each in training if not stage.waits(each))
        for event in plan.report(name, _next(*training[name])):
            if isinstance(event, Ended):
                statuses[event.trial] = event.status
                training.pop(event.trial, None)
    return statuses


def _next(trial: Trial, trainer: Trainer) -> Metrics:
    """What a trial reports next."""
    stop = next((rung for rung in trial.rungs if rung > trainer.iteration), trial.setup.config.iterations)
    trainer.advance(stop)
    return measure(trainer)


def _smaller(name: str, ranges: list[str], budget: float, grace_period: int | None) -> Search:
    search = load_search(name)
    space = {**search.space, **dict(narrowed(search.space, text) for text in ranges)}
    return replace(
        search,
        space=space,
        budget=budget,
        trials=_MOST,
        quick={},
        grace_period=grace_period or search.grace_period,
    )


def _methods(names: list[str]) -> dict[str, Callable[[Search], Search]]:
    """Name to what makes a search one by that sampler."""
    known: dict[str, Callable[[Search], Search]] = {}
    for name in SAMPLERS.names():
        known[name] = lambda study, name=name: _by(study, name)  # type: ignore[misc]
    known[OPTUNA] = lambda study: replace(study, sampler=own_tpe)
    for name in names:
        if name not in known:
            raise ConfigurationError(f"{name!r} is not a sampler: {', '.join(known)}.")
    return {name: known[name] for name in names or known}


def _by(study: Search, name: str) -> Search:
    if name == "grid":
        space = {key: _levels(distribution) for key, distribution in study.space.items()}
        study = replace(study, space=space, trials=min(study.trials, _size(space)))
    return replace(study, sampler=name)


def _levels(distribution: BaseDistribution) -> BaseDistribution:
    """At most seven values of a setting, evenly on its scale, as a grid needs them."""
    if isinstance(distribution, (CategoricalDistribution, PowersOfTwo)):
        return distribution
    assert isinstance(distribution, (FloatDistribution, IntDistribution))
    spaced = np.geomspace if distribution.log else np.linspace
    values = spaced(distribution.low, distribution.high, _LEVELS)
    if isinstance(distribution, IntDistribution):
        return Choice(sorted({round(value) for value in values}))
    return Choice([float(f"{value:.6g}") for value in values])


def _size(space: Mapping[str, BaseDistribution]) -> int:
    sizes = [
        len(each.choices)
        if isinstance(each, CategoricalDistribution)
        else each.high.bit_length() - each.low.bit_length() + 1
        for each in space.values()
        if isinstance(each, (CategoricalDistribution, PowersOfTwo))
    ]
    return int(np.prod(sizes))


def _read(out: Path) -> list[dict[str, Any]]:
    if not out.exists():
        return []
    return [{str(key): value for key, value in row.items()} for row in pd.read_csv(out).to_dict("records")]


def _write(out: Path, rows: list[dict[str, Any]]) -> None:
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def _table(rows: list[dict[str, Any]], metric: str) -> Table:
    """A row for each sampler: the median over its searches of the winner's confirmed error."""
    frame = pd.DataFrame(rows)
    frame["median"] = frame["median"].astype(float).fillna(np.inf)
    random = frame.loc[frame["sampler"] == "random", "median"].to_numpy()
    table = Table("sampler", "searches", "trials", "completed", f"confirmed {metric}", "beats random")
    for name, group in sorted(frame.groupby("sampler"), key=lambda each: float(each[1]["median"].median())):
        values = group["median"].to_numpy()
        told = interval(confirmed(values))
        counts = (f"{group[each].median():.0f}" for each in ("trials", "completed"))
        table.add_row(str(name), str(len(group)), *counts, told, _share(values, random))
    covers = 100 * median_coverage(int(frame.groupby("sampler").size().min()))
    table.caption = f"Medians over searches; brackets cover them with {covers:.1f} %."
    return table


def _share(values: np.ndarray, random: np.ndarray) -> str:
    """Of all pairs of searches, those in which the error is smaller than random search's; ties count half."""
    if not len(random):
        return ""
    wins = (values[:, None] < random) + 0.5 * (values[:, None] == random)
    return f"{100 * wins.mean():.0f} %"


if __name__ == "__main__":
    typer.run(samplers)
