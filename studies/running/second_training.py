"""A trial trained again beside its record: losses, errors at the end, weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from dgm_core import Setup, TrainResult
from dgm_core.training import checkpoint, configure_process
from studies.records import MODELS
from studies.records.events import ScheduleStep
from studies.records.files import plain_name
from studies.records.words import counted, listed
from studies.running.collect import TrainingSpan, course
from studies.running.start import begin
from studies.trials.schedule import Scheduled

COMPARED_ITERATIONS = 100
TOLERANCE = 1e-3
"""On another machine, other versions or another commit, rounding differs and training amplifies it:
there the losses of the first `COMPARED_ITERATIONS` iterations must agree to this relative tolerance, and the
errors at the end where all losses are equal."""
_MEASURED = ("completed", "stopped")
"""Statuses of replicates whose errors were measured where the training, or a rung, ended."""


@dataclass(frozen=True)
class RerunVerdict:
    """What a trial's second training says of its record."""

    trial: str
    equal: bool
    """Every loss, every error at the end, and every weight that was kept is the same bit for bit."""
    agrees: bool
    """Equal; or, elsewhere than on the recorded machine and versions, within the tolerance."""
    words: str


@dataclass(frozen=True)
class SecondTraining:
    """What trained again: its course, with the steps of polishes where the record has them, and its end."""

    went: TrainingSpan
    result: TrainResult
    device: str


def train_again(
    folder: Path,
    setup: Setup,
    rows: pd.DataFrame,
    curves: pd.DataFrame,
    device: str,
    schedule: Sequence[Mapping[str, Any]] = (),
) -> SecondTraining:
    """Trains a trial's seeds as far as its curves go, and polishes where that is the end.

    schedule: the settings that change on the way, as study.json has them.
    """
    configure_process()
    scheduled = Scheduled(setup, [ScheduleStep.model_validate(step) for step in schedule])
    trainer = scheduled.trainer(rows["seed"].tolist(), device=device)
    begin(trainer, folder)
    trainer = scheduled.advance(trainer, int(curves["iteration"].max()))
    went = course(trainer.curves.state(), setup.config)
    if "polish" not in curves or not curves["polish"].any():  # a run of before it was recorded, or without
        went = went.without_polish()
    return SecondTraining(went, trainer.result(), device)


def weights_of(folder: Path, rows: pd.DataFrame) -> Mapping[str, torch.Tensor] | None:
    """The weights of a trial's replicates, where its run kept them whole; with a leading K."""
    first = rows.iloc[0]
    name = "solution" if first.get("phase") == "solve" else first.get("arm")
    if not isinstance(name, str) or "status" not in rows or set(rows["status"]) != {"completed"}:
        return None
    try:
        kept = checkpoint.read((folder / MODELS / f"{plain_name(name)}.pt").read_bytes(), "cpu")
        places = [kept["seeds"].index(seed) for seed in rows["seed"]]
        return {key: values[places] for key, values in kept["weights"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def compare(
    trial: str,
    rows: pd.DataFrame,
    curves: pd.DataFrame,
    kept: Mapping[str, torch.Tensor] | None,
    trained: SecondTraining,
    *,
    elsewhere: bool,
) -> RerunVerdict:
    """What a second training says of a record: its rows by replicate, its curves and the weights it kept."""
    before, after = _losses(curves), trained.went.losses
    if before.shape != after.shape or not np.array_equal(before, after, equal_nan=True):
        return _differing(trial, before, trained, elsewhere=elsewhere)
    errors = _recorded_errors(rows, trained.result)
    unequal = [(name, seed, old, new) for name, seed, old, new in errors if old != new]
    if unequal:
        close = all(math.isclose(old, new, rel_tol=TOLERANCE) for _, _, old, new in unequal)
        name, seed, old, new = unequal[0]
        values = f"{name} of seed {seed} is {new:.6g}, not {old:.6g}"
        words = f"has equal losses and other errors at the end: {values} (on {trained.device})"
        return RerunVerdict(trial, False, close and elsewhere, words)
    if kept is not None and (other := _other_weights(kept, trained.result)) is not None:
        words = f"has equal losses and errors, and other weights: {other}"
        return RerunVerdict(trial, False, elsewhere, f"{words} (on {trained.device})")
    also = [*(["errors at the end"] if errors else []), *(["weights"] if kept is not None else [])]
    besides = f", with its {listed(also)}" if also else ""
    steps = int((trained.went.polish > 0).sum())
    polish = f" and {counted(steps, 'step')} of polish" if steps else ""
    length = f"{counted(int(trained.went.iteration.max()), 'iteration')}{polish}"
    words = f"equal bit for bit over {length}{besides} (on {trained.device})"
    return RerunVerdict(trial, True, True, words)


def _differing(trial: str, before: np.ndarray, trained: SecondTraining, *, elsewhere: bool) -> RerunVerdict:
    """What is said where losses differ."""
    after = trained.went.losses
    shared = min(len(before), len(after))
    same = (before[:shared] == after[:shared]) | (np.isnan(before[:shared]) & np.isnan(after[:shared]))
    first = int(np.argmin(same.all(axis=(1, 2)))) if not same.all() else shared
    head = slice(0, min(shared, COMPARED_ITERATIONS))
    close = bool(np.allclose(before[head], after[head], rtol=TOLERANCE, atol=1e-12, equal_nan=True))
    where = f"differs from {_place(trained.went, first)} on"
    if close and elsewhere:
        compared = counted(head.stop, "iteration")
        words = f"agrees within {TOLERANCE:g} over its first {compared} ({where} in rounding)"
        return RerunVerdict(trial, False, True, f"{words} (on {trained.device})")
    return RerunVerdict(trial, False, False, f"{where} (on {trained.device})")


def _place(went: TrainingSpan, step: int) -> str:
    """A step of a training in words; the one after the last where it is longer."""
    if step >= len(went.iteration):
        return f"iteration {int(went.iteration[-1]) + 1:,}"
    polish = int(went.polish[step])
    at = f"iteration {int(went.iteration[step]):,}"
    return f"step {polish:,} of the polish after {at}" if polish else at


def _losses(curves: pd.DataFrame) -> np.ndarray:
    """Recorded losses, (steps, K, 1 + T) float32."""
    columns = [name for name in curves.columns if name == "loss" or name.startswith("loss_")]
    curves = curves.assign(polish=curves.get("polish", 0))
    return np.stack(
        [
            part.sort_values(["iteration", "polish"])[columns].to_numpy(np.float32)
            for _, part in curves.groupby("replicate", sort=True)
        ],
        axis=1,
    )


def _recorded_errors(rows: pd.DataFrame, result: TrainResult) -> list[tuple[str, int, float, float]]:
    """(metric, seed, recorded, of the second training) of all errors that the record has."""
    pairs = []
    for metric, values in result.errors.values.items():
        if metric in rows:
            columns = (rows["status"], rows["seed"], rows[metric])
            for status, seed, old, new in zip(*columns, values, strict=True):
                if status in _MEASURED and not pd.isna(old) and new is not None:
                    pairs.append((metric, int(seed), float(old), float(new)))
    return pairs


def _other_weights(kept: Mapping[str, torch.Tensor], result: TrainResult) -> str | None:
    """The first of the weights that differ."""
    if kept.keys() != result.weights.keys():
        return ", ".join(sorted(kept.keys() ^ result.weights.keys()))
    for name, weights in result.weights.items():
        if not torch.equal(kept[name], weights.cpu()):
            return name
    return None
