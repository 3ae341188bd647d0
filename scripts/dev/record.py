"""`scripts/record`: a table of trainings for `dgm replay`, of settings spread evenly over a search's space.

The settings are points of a scrambled Sobol sequence, in its order, so that a table that is cut short is even
too.  Each is trained to its end without early stopping.  Its score is written at rungs half a power of two
apart, as `score@ITERATIONS`, and at the end, there for each seed too.  With the schedule "cooldown" the score
of a rung is that of a branch that ends there (see `Trainer.branch`), at powers of two.
"""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import typer
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.stats import qmc

from dev.searches import load_search
from dgm_cli.common import messages, parse_settings
from dgm_core import ConfigurationError, Setup, TrainConfig, Trainer
from dgm_core.training import median
from dgm_core.training.schedules import COOLDOWN_START
from studies.cost import training_times
from studies.records import replacing
from studies.replay.recording import METADATA
from studies.replay.table import curve_column
from studies.study import PowersOfTwo, replicate_seeds
from studies.study.space import describe

_EVERY = 25
"""Trainings between writes of the table."""


def record(
    study: Annotated[str, typer.Argument(help="A search of the catalogue.")],
    out: Annotated[Path, typer.Argument(help="The Parquet file; one that is there is gone on with.")],
    minutes: Annotated[float, typer.Option(help="How long to train.")] = 25.0,
    most: Annotated[int, typer.Option(help="Trainings at most.")] = 4096,
    first: Annotated[int, typer.Option(help="The first rung, in iterations.")] = 125,
    ranges: Annotated[list[str] | None, typer.Option("--range", help="KEY=LOW:HIGH of the space.")] = None,
    change: Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE of the base.")] = None,
    seed: Annotated[int, typer.Option(help="Of the sequence and the trainings.")] = 0,
) -> None:
    """Trains until the time is up, and writes the table as it goes."""
    torch.set_num_threads(1)
    search = load_search(study)
    space = {**search.space, **dict(narrowed(search.space, text) for text in ranges or ())}
    base = search.base.changed(parse_settings(change or ()))
    seeds = replicate_seeds(seed, "search", search.replicates)
    about: dict[str, Any] = {
        "error": "score",
        "cost": "cost",
        "resource": "iterations",
        "space": {key: describe(distribution) for key, distribution in space.items()},
        "problem": base.problem.name,
        "base": {key: str(value) for key, value in base.flat().items() if key not in space},
        "seeds": seeds,
        "machine": f"one core of {platform.processor() or platform.machine()}, torch {torch.__version__}",
    }
    rows: list[dict[str, Any]] = []
    if out.exists():
        table = pq.read_table(out)
        _check_same(base, json.loads(table.schema.metadata[METADATA])["base"], about["base"], out)
        rows = table.to_pandas().to_dict("records")
    points = qmc.Sobol(len(space), seed=seed).random(most)
    deadline = time.perf_counter() + 60 * minutes
    for number in range(len(rows), most):
        if time.perf_counter() >= deadline:
            break
        changes = {
            key: _value(distribution, float(point))
            for (key, distribution), point in zip(space.items(), points[number], strict=True)
        }
        rows.append(_trained(base.changed(changes), changes, seeds, first))
        if number % _EVERY == _EVERY - 1:
            _write(out, rows, about)
            messages.print(f"{len(rows)} trainings, best {min(row['score'] for row in rows):.3g}")
    _write(out, rows, about)


def _check_same(base: Setup, then: dict[str, str], now: dict[str, str], out: Path) -> None:
    """Refuses to go on with a table of another base.  A setting that is newer than the table had its
    default."""
    defaults = Setup(base.problem, TrainConfig()).flat()
    for key, value in now.items():
        before = then.get(key, str(defaults.get(key)))
        if before != value:
            raise ConfigurationError(f"{out} holds trainings with {key} = {before}, and not {value}.")


def _trained(setup: Setup, changes: dict[str, Any], seeds: list[int], first: int) -> dict[str, Any]:
    """One row: settings, cost on a search's clock and measured seconds, scores."""
    branches, end = setup.config.schedule == "cooldown", setup.config.iterations
    row: dict[str, Any] = dict(changes)
    row["cost"] = training_times(setup, len(seeds), (end,))[0] / 1e3
    trainer = Trainer(setup, seeds)
    begun = time.perf_counter()
    curve: dict[str, float] = {}
    for rung in _rungs(first, end, 2.0 if branches else 2.0**0.5):
        if not trainer.done:
            trainer.advance(round(COOLDOWN_START * rung) if branches else rung)
        looked = trainer
        if branches and not trainer.done:
            looked = trainer.branch(rung)
            looked.advance(rung)
        curve[curve_column("score", rung)] = median(looked.evaluate().score)
    trainer.advance(end)
    scores = trainer.evaluate().score
    row |= {"seconds": round(time.perf_counter() - begun, 3), "score": median(scores)}
    return row | {f"seed/{k}": score for k, score in enumerate(scores)} | curve


def _rungs(first: int, end: int, factor: float) -> list[int]:
    rungs, place = [], 0
    while (rung := round(first * factor**place)) < end:
        rungs.append(rung)
        place += 1
    return rungs


def narrowed(space: Any, text: str) -> tuple[str, BaseDistribution]:
    key, _, ends = text.partition("=")
    low, _, high = ends.partition(":")
    known = space.get(key)
    if isinstance(known, PowersOfTwo):
        return key, PowersOfTwo(int(low), int(high))
    if isinstance(known, IntDistribution):
        return key, IntDistribution(int(low), int(high), log=known.log)
    if isinstance(known, FloatDistribution):
        return key, FloatDistribution(float(low), float(high), log=known.log)
    raise ConfigurationError(f"--range {text!r} is not allowed: the space has no numbers of that name.")


def _value(distribution: BaseDistribution, point: float) -> Any:
    """A point of [0, 1) as a setting, every integer as likely as its width on the scale of the space."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[int(point * len(distribution.choices))]
    if isinstance(distribution, PowersOfTwo):
        first, last = (end.bit_length() - 1 for end in (distribution.low, distribution.high))
        return 1 << (first + int(point * (last - first + 1)))
    assert isinstance(distribution, (FloatDistribution, IntDistribution))
    half = 0.5 if isinstance(distribution, IntDistribution) else 0.0
    scale, back = (np.log, np.exp) if distribution.log else (float, float)
    low, high = scale(distribution.low - half), scale(distribution.high + half)
    value = float(back(low + point * (high - low)))
    return min(max(round(value), distribution.low), distribution.high) if half else value


def _write(out: Path, rows: list[dict[str, Any]], about: dict[str, Any]) -> None:
    """The table, curves and single seeds in single precision, with what it is about."""
    frame = pd.DataFrame(rows)
    names = [str(name) for name in frame]
    curves = sorted((name for name in names if "@" in name), key=lambda name: int(name.split("@")[1]))
    frame = frame[[name for name in names if name not in curves] + curves]
    narrow = {name: "float32" for name in names if name in curves or name.startswith("seed/")}
    table = pa.Table.from_pandas(frame.astype(narrow), preserve_index=False)
    table = table.replace_schema_metadata({METADATA: json.dumps(about)})
    with replacing(out) as file:
        pq.write_table(table, file, compression="zstd", write_page_checksum=True)


if __name__ == "__main__":
    typer.run(record)
