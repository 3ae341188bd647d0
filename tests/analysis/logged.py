"""Run folders made as a study makes them: events into a log, and from the log the tables.

Only the numbers of the trainings are made up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from studies.records import CURVE_KEYS, PIECES, StudyRecord, typed, write_study, write_table
from studies.records.events import Began, Ended, Event, Failed, Left, Metrics, Replicates, Reported, Suggested
from studies.records.history import read_history
from studies.records.intervals import confirmed
from studies.records.log import VERSION, Log
from studies.records.rebuild import write_tables
from studies.records.reduction import median
from studies.records.schema import Outcome
from tests.analysis.synthetic import BASE, TERMS

FIRST_LOSS = 1.0


def unsummed(log: str) -> str:
    """A log without its checksums: as an older version wrote it, or whoever changes it by hand."""
    return re.sub(r',"crc32":"[0-9a-f]{8}"}$', "}", log, flags=re.MULTILINE)


def falling(last: float, iterations: int = 60) -> NDArray[np.float64]:
    """Losses (iterations,) that fall as a power of the iteration until the end."""
    return FIRST_LOSS * last ** (np.log(np.arange(1, iterations + 1)) / math.log(iterations))


def levelling(last: float, iterations: int = 60) -> NDArray[np.float64]:
    """Losses (iterations,) that fall over the first quarter and stay."""
    fall = np.geomspace(FIRST_LOSS, last, max(2, iterations // 4))
    return np.concatenate([fall, np.full(iterations - len(fall), last)])


@dataclass(frozen=True)
class Training:
    """One trial: an error for each replicate, None where it diverged, and the losses that led there."""

    trial: str
    scores: Sequence[float | None]
    phase: str = "search"
    arm: str | None = None
    losses: Sequence[NDArray[np.float64]] | None = None  # (iterations,) each; falling by default
    rel_l2: Sequence[float | None] | None = None  # thrice the scores by default
    config: Mapping[str, Any] = field(default_factory=dict)
    iterations: int = 60
    asked: int | None = None
    rung: int | None = None
    failed: str | None = None
    first_seed: int = 1
    metric: str = "mae"

    @property
    def curves(self) -> NDArray[np.float64]:
        """Losses (K, iterations), NaN from halfway on where a replicate diverged."""
        found = self.losses or [falling(score or 0.1, self.iterations) for score in self.scores]
        curves = np.array(found)
        for k, score in enumerate(self.scores):
            if score is None:
                curves[k, self.iterations // 2 :] = np.nan
        return curves

    @property
    def relative(self) -> list[float | None]:
        """Relative L² errors."""
        return list(self.rel_l2 or [None if score is None else 3.0 * score for score in self.scores])

    @property
    def errors(self) -> dict[str, list[float | None]]:
        """All that are measured: without a reference the residual alone."""
        own = list(self.scores)
        if self.metric == "residual":
            return {"residual": own}
        return {
            "mae": own,
            "rel_l2": self.relative,
            "max_error": [None if score is None else 10.0 * score for score in own],
        }

    @property
    def metrics(self) -> Metrics:
        """As a worker measures it."""
        lost = [score is None for score in self.scores]
        curves = self.curves
        last = [None if lost[k] else float(curve[-1]) for k, curve in enumerate(curves)]
        middle = float(median(self.errors[self.metric]))
        return Metrics(
            iterations=self.iterations,
            score=middle if math.isfinite(middle) else None,
            final=self.rung is None,
            loss=None if any(lost) else float(np.median(curves[:, -1])),
            seconds=1.0,
            parameters=100,
            replicates=Replicates(
                status=["diverged" if each else "completed" for each in lost],
                scores=self.errors[self.metric],
                errors=self.errors,
                losses=[[loss] * (1 + len(TERMS)) for loss in last],
                diverged_at=[self.iterations // 2 + 1 if each else None for each in lost],
            ),
        )

    def events(self) -> list[Event]:
        """From its suggestion to its end."""
        count = len(self.scores)
        config = {**BASE, **self.config, "iterations": self.asked or self.iterations}
        begun = Suggested(
            trial=self.trial, phase=self.phase, arm=self.arm, first=0, changes=dict(self.config),
            seeds=list(range(self.first_seed, self.first_seed + count)),
            key="base", setup={}, config=config, folder=self.folder,
        )  # fmt: skip
        if self.failed is not None:
            return [begun, Failed(trial=self.trial, error=self.failed), self._ended("failed", 0)]
        metrics = self.metrics
        how = "diverged" if metrics.diverged else "completed" if self.rung is None else "stopped"
        return [begun, Reported(trial=self.trial, metrics=metrics), self._ended(how, self.iterations)]

    def _ended(self, status: Any, iterations: int) -> Ended:
        return Ended(trial=self.trial, status=status, iterations=iterations, rung=self.rung)

    @property
    def folder(self) -> str:
        """Of its checkpoint."""
        return f"{self.phase}-{self.trial}".replace(" ", "_").replace("=", "-")

    def piece(self) -> pd.DataFrame:
        """Its curves, a row for each replicate and iteration."""
        curves = self.curves
        count, iterations = curves.shape
        table = pd.DataFrame(
            {
                "trial": self.trial,
                "replicate": np.repeat(np.arange(count), iterations),
                "iteration": np.tile(np.arange(1, iterations + 1), count),
                "polish": 0,
                "score": np.nan,
                "loss": curves.ravel().astype("float32"),
                **{f"loss_{term}": curves.ravel().astype("float32") for term in TERMS},
            }
        )
        for k, score in enumerate(self.scores):
            measured = {1: 1.0, iterations // 4: 0.5, iterations: score}
            for at, error in measured.items():
                if np.isfinite(curves[k, at - 1]):
                    table.loc[k * iterations + at - 1, "score"] = error
        return typed(table, CURVE_KEYS)


def log_run(folder: Path, record: StudyRecord, trainings: Sequence[Training]) -> Path:
    """Writes a run folder of trainings that have ended."""
    folder.mkdir(parents=True)
    (folder / PIECES).mkdir()
    trainings = [replace(training, metric=record.metric) for training in trainings]
    with Log(folder) as log:
        log.append([Began(version=VERSION, process=1, host="here")])
        for training in trainings:
            log.append(training.events())
            if training.failed is None:
                write_table(folder, f"{PIECES}/{training.folder}.parquet", training.piece())
        log.append([Left(state=record.state)])
    found = {training.arm: training for training in trainings if training.phase == "confirm"}
    for arm, name in {"winner": "winner", "baseline": "confirmed_baseline"}.items():
        if arm in found:
            outcome = Outcome(trial=arm, config=dict(BASE), score=confirmed(found[arm].errors[record.metric]))
            setattr(record, name, outcome)
    write_tables(folder, read_history(folder), record)
    write_study(folder, record)
    return folder
