"""What a run keeps of its checkpoints: curves, solutions on the fixed points, and trained fields."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from dgm_core import Setup, TrainConfig, Trainer, TrainResult
from dgm_core.training import save_model
from dgm_core.training.curves import loss_columns
from dgm_core.training.model import joined
from dgm_core.training.stage import window_end
from studies.records.files import plain_name, replacing, typed, write_table
from studies.records.history import Entry
from studies.records.schema import CURVE_KEYS, MODELS, PIECES, SOLUTION_KEYS
from studies.records.storage import Store
from studies.trials.checkpoints import load_checkpoint
from studies.trials.schedule import Scheduled
from studies.trials.trainable import truncated


def write_piece(folder: Path, store: Store, entry: Entry, terms: Sequence[str]) -> None:
    """Writes a trial's curves, as far as they count; nothing where it left no checkpoint."""
    state = load_checkpoint(store, entry.spec.folder)
    if state is None:
        return
    curves = state["curves"]
    if not entry.running:
        curves = truncated(curves, entry.iterations, partial(window_end, _config(entry)))
    (folder / PIECES).mkdir(exist_ok=True)
    write_table(folder, f"{PIECES}/{entry.spec.folder}.parquet", curve_frame(entry, curves, terms))


@dataclass(frozen=True)
class TrainingSpan:
    """A training from its first to its last step, m of them: iterations, and the steps of polishes.

    iteration: (m,), from 1.  polish: (m,), steps of the polish that follows the iteration, from 1, and 0 for
    the iteration itself.  score: (m, K), NaN where it was not measured.  losses: (m, K, 1 + T), NaN where
    they are not finite.
    """

    iteration: NDArray[np.int64]
    polish: NDArray[np.int64]
    score: NDArray[np.float64]
    losses: NDArray[np.float32]

    def without_polish(self) -> TrainingSpan:
        """The iterations alone."""
        stochastic = self.polish == 0
        return TrainingSpan(
            self.iteration[stochastic],
            self.polish[stochastic],
            self.score[stochastic],
            self.losses[stochastic],
        )


def course(curves: Mapping[str, Any], config: TrainConfig) -> TrainingSpan:
    """A trainer's curves in the order in which they came about.

    Where a polish follows an iteration, the error that was measured then is that of its last step.
    """
    losses: torch.Tensor = curves["losses"]  # (iterations, K, 1 + T)
    iterations, replicates, _ = losses.shape
    looks = curves.get("polish", ())  # checkpoints of before it was recorded have none
    windows = np.array([window for window, _ in looks], dtype=np.int64)
    ends = np.array([window_end(config, window) for window in windows.tolist()], dtype=np.int64)
    steps = [1 + np.count_nonzero(windows[:i] == window) for i, window in enumerate(windows)]
    iteration = np.concatenate([np.arange(1, iterations + 1), ends])
    polish = np.concatenate([np.zeros(iterations, dtype=np.int64), np.array(steps, dtype=np.int64)])
    score = np.full((len(iteration), replicates), math.nan)
    for look, values in curves.get("polish_errors", ()):
        score[iterations + look] = values
    last = {int(end): iterations + look for look, end in enumerate(ends)}
    for at, values in curves["errors"]:
        if at > 0:
            score[last.get(at, at - 1)] = values
    order = np.lexsort((polish, iteration))
    every = torch.cat([losses, *(row[None] for _, row in looks)])[torch.from_numpy(order)]
    finite = torch.where(torch.isfinite(every), every, math.nan).numpy()
    return TrainingSpan(iteration[order], polish[order], score[order], finite)


def curve_frame(entry: Entry, curves: Mapping[str, Any], terms: Sequence[str]) -> pd.DataFrame:
    """A row for each replicate and step of a trial: see CURVE_KEYS."""
    went = course(curves, _config(entry))
    steps, replicates = went.score.shape
    table = {
        "trial": np.full(steps * replicates, entry.trial, dtype=object),
        "replicate": np.repeat(entry.spec.first + np.arange(replicates), steps),
        "iteration": np.tile(went.iteration, replicates),
        "polish": np.tile(went.polish, replicates),
        "score": went.score.T.reshape(-1),
    }
    for column, name in enumerate(loss_columns(terms)):
        table[name] = went.losses[..., column].T.reshape(-1)
    return typed(pd.DataFrame(table), CURVE_KEYS)


def _config(entry: Entry) -> TrainConfig:
    return Setup.from_dict(entry.spec.setup).config


def restored(store: Store, entry: Entry) -> Trainer | None:
    """A trial as its checkpoint has it; None where there is none."""
    state = load_checkpoint(store, entry.spec.folder)
    if state is None:
        return None
    return Scheduled(Setup.from_dict(entry.spec.setup), entry.spec.schedule).trainer(entry.spec.seeds, state)


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
