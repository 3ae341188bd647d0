"""Turns a phase's journal and checkpoints into the tables of a run folder."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from dgm_core import Setup, Status, Trainer, TrainResult
from dgm_core.training import checkpoint, save_model
from dgm_core.training.curves import loss_columns
from dgm_core.training.model import joined
from studies.records import CONFIG, CURVE_KEYS, DECISION_COLUMNS, MODELS, SOLUTION_KEYS, TRIAL_COLUMNS, typed
from studies.running.entries import TrialEntry

if TYPE_CHECKING:
    from studies.running.journal import Journal
    from studies.running.scheduling import RecordedASHA


def trial_rows(journal: Journal) -> list[dict[str, Any]]:
    """A row for each trial and replicate, columns as in `studies.records.TRIAL_COLUMNS`."""
    return [
        row
        for entry in journal.entries.values()
        if not entry.running
        for row in entry_rows(journal.phase, entry)
    ]


def trials_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The rows as a table of fixed columns and types."""
    return typed(pd.DataFrame(rows), TRIAL_COLUMNS)


def entry_rows(phase: str, entry: TrialEntry) -> list[dict[str, Any]]:
    """One trial's rows, a replicate each."""
    config = entry.setup.config
    settings = {CONFIG + key: plain(value) for key, value in entry.setup.flat().items()}
    replicates: Mapping[str, Any] = entry.result.get("replicates", {})
    rows = []
    for k, seed in enumerate(entry.job.seeds):
        row: dict[str, Any] = {
            "phase": phase,
            "trial": entry.trial,
            "arm": entry.arm,
            "replicate": entry.job.first + k,
            "seed": seed,
            "status": str(entry.status),
            "iterations": entry.iterations,
            "iterations_asked": config.iterations,
            "rung": entry.rung,
            "points": entry.iterations * config.batch_size,
            "parameters": entry.result.get("parameters"),
            "seconds": entry.result.get("seconds"),
            "started": entry.started,
            "ended": entry.ended,
            "error": entry.error,
        }
        if replicates:
            diverged = replicates["status"][k] == Status.DIVERGED
            if diverged and entry.status != Status.FAILED:
                row["status"] = str(Status.DIVERGED)
            row["diverged_at"] = replicates["diverged_at"][k]
            measured = {**replicates["errors"], "mae_batch_statistics": replicates["mae_batch_statistics"]}
            for metric, values in measured.items():
                row[metric] = None if diverged or values is None else finite(values[k])
            names = loss_columns(entry.setup.problem.terms)
            row.update(zip(names, map(finite, replicates["losses"][k]), strict=True))
        rows.append({**row, **settings})
    return rows


def checkpointed(journals: Iterable[Journal]) -> Iterator[tuple[TrialEntry, Mapping[str, Any]]]:
    """Every trial that left a checkpoint, with the curves it holds."""
    for journal in journals:
        for entry in journal.entries.values():
            if entry.checkpoint is not None:
                yield entry, checkpoint.load(entry.checkpoint)["curves"]


def curves_frame(curves: Iterable[tuple[TrialEntry, Mapping[str, Any]]]) -> pd.DataFrame:
    """A row for each trial, replicate and iteration."""
    frames = [_curve(entry, values) for entry, values in curves]
    if not frames:
        return typed(pd.DataFrame({"loss": pd.Series(dtype="float32")}), CURVE_KEYS)
    return typed(pd.concat(frames, ignore_index=True), CURVE_KEYS)


def _curve(entry: TrialEntry, curves: Mapping[str, Any]) -> pd.DataFrame:
    losses: torch.Tensor = curves["losses"]  # (iterations, K, 1 + T)
    iterations, replicates, _ = losses.shape
    names = loss_columns(entry.setup.problem.terms)
    score = np.full((iterations, replicates), math.nan)
    for iteration, values in curves["errors"]:
        if iteration > 0:
            score[iteration - 1] = values
    table = {
        "trial": np.full(iterations * replicates, entry.trial, dtype=object),
        "replicate": np.repeat(entry.job.first + np.arange(replicates), iterations),
        "iteration": np.tile(np.arange(1, iterations + 1), replicates),
        "score": score.T.reshape(-1),
    }
    values = torch.where(torch.isfinite(losses), losses, math.nan)
    for column, name in enumerate(names):
        table[name] = values[..., column].T.reshape(-1).numpy()
    return pd.DataFrame(table)


def decisions_frame(scheduler: RecordedASHA, journal: Journal) -> pd.DataFrame:
    """The early stopping's decisions, trials by their names in the run."""
    names = {trial_id: entry.trial for trial_id, entry in journal.entries.items()}
    rows = [{**row, "trial": names[row["trial"]]} for row in scheduler.decisions]
    return typed(pd.DataFrame(rows), DECISION_COLUMNS)


def solutions_frame(journals: Iterable[Journal]) -> pd.DataFrame:
    """The prediction on the fixed grid of every trial of confirmations and ablations that ended.

    One in which half of the replicates diverged is among them: the others' solutions count.
    """
    return typed_solutions(
        [
            _solution(journal.phase, entry)
            for journal in journals
            for entry in journal.entries.values()
            if entry.status in (Status.COMPLETED, Status.DIVERGED) and entry.checkpoint is not None
        ]
    )


def typed_solutions(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Trials' predictions as one table of fixed columns and types."""
    table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    return typed(table, SOLUTION_KEYS)


def _solution(phase: str, entry: TrialEntry) -> pd.DataFrame:
    return prediction_frame(_restored(entry), phase, entry)


def _restored(entry: TrialEntry) -> Trainer:
    assert entry.checkpoint is not None
    trainer = Trainer(entry.setup, entry.job.seeds)
    trainer.restore(checkpoint.load(entry.checkpoint))
    return trainer


def save_fields(folder: Path, journal: Journal) -> None:
    """Writes the trained fields of a confirmation's or an ablation's arms that completed, a file each."""
    arms: dict[str, list[TrialEntry]] = {}
    for entry in journal.entries.values():
        if entry.arm is not None and entry.status == Status.COMPLETED and entry.checkpoint is not None:
            arms.setdefault(entry.arm, []).append(entry)
    for arm, entries in arms.items():
        save_field(folder, arm, [_restored(entry).result() for entry in entries])


def save_field(folder: Path, name: str, results: Sequence[TrainResult]) -> None:
    """Writes the replicates of one setup's trainings as one field."""
    plain_name = re.sub(r"[^\w.=+-]", "_", name)
    path = folder / MODELS / f"{plain_name}.pt"
    path.parent.mkdir(exist_ok=True)
    save_model(joined(results), path)


def prediction_frame(trainer: Trainer, phase: str, entry: TrialEntry) -> pd.DataFrame:
    """A row for each replicate and evaluation point: axes, reference and prediction."""
    problem = trainer.setup.problem
    prediction = trainer.predict()  # (K, N, q)
    points, reference = trainer.evaluation.points, trainer.evaluation.reference
    frames = []
    for k, values in enumerate(prediction):
        columns: dict[str, Any] = {
            "phase": phase,
            "trial": entry.trial,
            "arm": entry.arm,
            "replicate": entry.job.first + k,
        }
        for i, axis in enumerate(problem.inputs):
            columns[axis.name] = points[:, i].numpy()
        for i, output in enumerate(problem.outputs):
            if reference is not None:
                columns[f"reference_{output}"] = reference[:, i].numpy()
            columns[f"prediction_{output}"] = values[:, i].numpy()
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def finite(value: float) -> float | None:
    """None in place of a value that is not finite."""
    return value if math.isfinite(value) else None


def plain(value: Any) -> Any:
    """A value a Parquet column can hold: collections as JSON."""
    return json.dumps(value, sort_keys=True) if isinstance(value, (dict, list, tuple)) else value


def resolved(setup: Setup) -> dict[str, Any]:
    """A setup's flat configuration for study.json."""
    return {"problem": setup.problem.name, **setup.flat()}
