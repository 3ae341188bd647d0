"""What a run keeps of its checkpoints: curves, solutions on the fixed points, and trained fields."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from dgm_core import Setup, Trainer, TrainResult
from dgm_core.training import save_model
from dgm_core.training.curves import loss_columns
from dgm_core.training.model import joined
from studies.records.files import plain_name, replacing, typed, write_table
from studies.records.history import Entry
from studies.records.schema import CURVE_KEYS, MODELS, PIECES, SOLUTION_KEYS
from studies.records.storage import Store
from studies.trials.checkpoints import load_checkpoint
from studies.trials.trainable import truncated


def write_piece(folder: Path, store: Store, entry: Entry, terms: Sequence[str]) -> None:
    """Writes a trial's curves, as far as they count; nothing where it left no checkpoint."""
    state = load_checkpoint(store, entry.spec.folder)
    if state is None:
        return
    curves = state["curves"] if entry.running else truncated(state["curves"], entry.iterations)
    (folder / PIECES).mkdir(exist_ok=True)
    write_table(folder, f"{PIECES}/{entry.spec.folder}.parquet", curve_frame(entry, curves, terms))


def curve_frame(entry: Entry, curves: Mapping[str, Any], terms: Sequence[str]) -> pd.DataFrame:
    """A row for each replicate and iteration of a trial: see CURVE_KEYS."""
    losses: torch.Tensor = curves["losses"]  # (iterations, K, 1 + T)
    iterations, replicates, _ = losses.shape
    score = np.full((iterations, replicates), math.nan)
    for iteration, values in curves["errors"]:
        if iteration > 0:
            score[iteration - 1] = values
    table = {
        "trial": np.full(iterations * replicates, entry.trial, dtype=object),
        "replicate": np.repeat(entry.spec.first + np.arange(replicates), iterations),
        "iteration": np.tile(np.arange(1, iterations + 1), replicates),
        "score": score.T.reshape(-1),
    }
    values = torch.where(torch.isfinite(losses), losses, math.nan)
    for column, name in enumerate(loss_columns(terms)):
        table[name] = values[..., column].T.reshape(-1).numpy()
    return typed(pd.DataFrame(table), CURVE_KEYS)


def restored(store: Store, entry: Entry) -> Trainer | None:
    """A trial as its checkpoint has it; None where there is none."""
    state = load_checkpoint(store, entry.spec.folder)
    if state is None:
        return None
    trainer = Trainer(Setup.from_dict(entry.spec.setup), entry.spec.seeds)
    trainer.restore(state)
    return trainer


def solutions_frame(trained: Iterable[tuple[Entry, Trainer]]) -> pd.DataFrame:
    """The predictions of confirmed or ablated trials on the fixed points: see SOLUTION_KEYS."""
    frames = [prediction_frame(trainer, entry) for entry, trainer in trained]
    table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    return typed(table, SOLUTION_KEYS)


def prediction_frame(trainer: Trainer, entry: Entry) -> pd.DataFrame:
    """A row for each replicate and evaluation point: axes, reference and prediction."""
    problem = trainer.setup.problem
    prediction = trainer.predict()  # (K, N, q)
    points, reference = trainer.evaluation.points, trainer.evaluation.reference
    frames = []
    for k, values in enumerate(prediction):
        columns: dict[str, Any] = {
            "phase": entry.spec.phase,
            "trial": entry.trial,
            "arm": entry.spec.arm,
            "replicate": entry.spec.first + k,
        }
        for i, axis in enumerate(problem.inputs):
            columns[axis.name] = points[:, i].numpy()
        for i, output in enumerate(problem.outputs):
            if reference is not None:
                columns[f"reference_{output}"] = reference[:, i].numpy()
            columns[f"prediction_{output}"] = values[:, i].numpy()
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def save_fields(folder: Path, trained: Iterable[tuple[Entry, Trainer]]) -> None:
    """Writes the trained fields of a confirmation's or an ablation's arms that completed, a file each."""
    arms: dict[str, list[TrainResult]] = {}
    for entry, trainer in trained:
        if entry.spec.arm is not None and entry.status == "completed":
            arms.setdefault(entry.spec.arm, []).append(trainer.result())
    for arm, results in arms.items():
        save_field(folder, arm, results)


def save_field(folder: Path, name: str, results: Sequence[TrainResult]) -> None:
    """Writes the replicates of one setup's trainings as one field."""
    path = folder / MODELS / f"{plain_name(name)}.pt"
    path.parent.mkdir(exist_ok=True)
    write_model(joined(results), path)


def write_model(result: TrainResult, path: Path) -> None:
    """Writes a trained field whole or not at all.  Raises OSError where it cannot be written."""
    content = io.BytesIO()  # so that a full disk is an OSError, and not one of torch's own
    save_model(result, content)
    with replacing(path) as file:
        file.write(content.getbuffer())


def resolved(setup: Setup) -> dict[str, Any]:
    """A setup's flat configuration for study.json."""
    return {"problem": setup.problem.name, **setup.flat()}
