"""Run folders as a study would write them, with made-up numbers of known structure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from studies import records
from studies.records import StudyRecord

TERMS = ["interior", "initial", "left", "right"]
BASE: dict[str, Any] = {
    "network": "mlp",
    "activation": "tanh",
    "batch_norm": None,
    "batch_size": 64,
    "depth": 3,
    "iterations": 15_000,
    "learning_rate": 1e-4,
}


def record(**changes: Any) -> StudyRecord:
    """A heat search's record with some fields replaced."""
    values: dict[str, Any] = {
        "name": "heat-search",
        "run": "first",
        "kind": "search",
        "question": "Which batch size, learning rate and depth solve the heat equation best?",
        "problem": "heat",
        "parameters": {"diffusivity": 1.0},
        "axes": {"x": (0.0, math.pi), "t": (0.0, 3.0)},
        "outputs": ["u"],
        "terms": TERMS,
        "base": BASE,
        "trials_asked": 12,
        "replicates": 3,
        "seed": 7,
        "seeds": {"search": [1, 2, 3], "confirm": [101, 102, 103, 104, 105]},
        "versions": {"python": "3.11.9", "torch": "2.13.0"},
        "commit": "0123abc",
        "machine": {"cpu": "made-up", "cores": 2},
        "command": "dgm run heat-search",
        "started": "2026-01-02T03:04:05+00:00",
        "seconds": 321.5,
        "state": "finished",
    }
    return StudyRecord.model_validate(values | changes)


def trial_row(
    phase: str,
    trial: str,
    replicate: int,
    seed: int,
    mae: float | None,
    *,
    arm: str | None = None,
    status: str = "completed",
    config: Mapping[str, Any] | None = None,
    ran: int | None = None,
    loss: float | None = None,
    ended: float = 1.0,
    diverged_at: int | None = None,
    rung: int | None = None,
    error: str | None = None,
) -> dict[str, Any]:
    """One row of trials.parquet."""
    settings = {**BASE, **(config or {})}
    asked = settings["iterations"]
    ran = asked if ran is None else ran
    return {
        "phase": phase,
        "trial": trial,
        "arm": arm,
        "replicate": replicate,
        "seed": seed,
        "status": status,
        "iterations": ran,
        "iterations_asked": asked,
        "rung": rung,
        "diverged_at": diverged_at,
        "points": ran * settings["batch_size"],
        "metric": "mae",
        "score": mae,
        "mae": mae,
        "rel_l2": None if mae is None else 3.0 * mae,
        "max_error": None if mae is None else 10.0 * mae,
        "mae_batch_statistics": None if mae is None or not settings["batch_norm"] else 0.8 * mae,
        "loss": loss if loss is not None or mae is None else mae**1.5,
        "parameters": 2241,
        "seconds": ran * (1e-3 + 2e-6 * settings["batch_size"]),
        "started": ended - 1.0,
        "ended": ended,
        "error": error,
        **{f"config/{key}": value for key, value in settings.items()},
    }


def curve_rows(row: Mapping[str, Any], rng: np.random.Generator, every: int = 250) -> pd.DataFrame:
    """Curves that fall from 1 to the row's loss and error; NaN from its divergence on."""
    n = row["iterations"]
    steps = np.arange(1, n + 1)
    end_loss = row["loss"] if row["loss"] is not None else 1e-2
    end_mae = row["mae"] if row["mae"] is not None else 0.1
    share = np.log(steps) / max(math.log(n), 1.0)
    if row["config/activation"] == "relu":  # converges early, and on nothing
        share = np.minimum(1.0, 2.0 * share)
    noise = rng.normal(0.0, 2.0 / math.sqrt(row["config/batch_size"]), n).clip(-2, 2)
    loss = end_loss**share * np.exp(noise)
    measured = (steps % every == 0) | (steps == n) | np.isin(steps, 2 ** np.arange(20))
    mae = np.where(measured, end_mae**share, np.nan)
    if row["diverged_at"] is not None:
        lost = steps >= row["diverged_at"]
        loss, mae = np.where(lost, np.nan, loss), np.where(lost, np.nan, mae)
    frame = pd.DataFrame(
        {"trial": row["trial"], "replicate": row["replicate"], "iteration": steps, "score": mae, "loss": loss}
    ).assign(polish=0)
    for weight, term in zip((0.6, 0.2, 0.1, 0.1), TERMS, strict=True):
        frame[f"loss_{term}"] = weight * loss
    return frame.astype(dict.fromkeys(["loss", *(f"loss_{term}" for term in TERMS)], "float32"))


def polish_rows(curves: pd.DataFrame, end: int, steps: int) -> pd.DataFrame:
    """The steps of one replicate's polish after iteration `end`: ten times less loss and error at its end."""
    at = curves[curves["iteration"] == end].iloc[0]
    fall = 10.0 ** -(np.arange(1, steps + 1) / steps)
    measured = np.isin(np.arange(1, steps + 1), [*2 ** np.arange(20), steps])
    frame = pd.DataFrame({"trial": at["trial"], "replicate": at["replicate"], "iteration": end}, range(steps))
    frame = frame.assign(polish=np.arange(1, steps + 1), score=np.where(measured, 1e-2 * fall, np.nan))
    for column in ("loss", *(f"loss_{term}" for term in TERMS)):
        frame[column] = (float(at[column]) * fall).astype("float32")
    return frame


def solution_rows(
    study: StudyRecord, rows: Sequence[Mapping[str, Any]], rng: np.random.Generator
) -> pd.DataFrame:
    """Reference and predictions on a grid; the prediction is off by the row's error."""
    nodes = 40 if len(study.axes) == 2 else 50
    axes = [np.linspace(low, high, nodes) for low, high in study.axes.values()]
    mesh = [axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")]
    exact = np.sin(mesh[0]) * np.exp(-mesh[-1])
    order = ["phase", "trial", "arm", "replicate"]
    frames = []
    for row in rows:
        frame = pd.DataFrame(dict(zip(study.axes, mesh, strict=True)))
        for shift, output in enumerate(study.outputs):
            frame[f"reference_{output}"] = exact + shift
            bump = np.cos(3 * mesh[0]) * (np.nan if row["mae"] is None else 1.6 * row["mae"])
            frame[f"prediction_{output}"] = exact + shift + bump
        frames.append(frame.assign(**{key: row[key] for key in order}))
    return pd.concat(frames, ignore_index=True)[[*order, *frames[0].columns.drop(order)]]


def write_run(
    folder: Path,
    study: StudyRecord,
    rows: Sequence[dict[str, Any]],
    *,
    decisions: pd.DataFrame | None = None,
    curves: bool = True,
) -> Path:
    """Writes the files of a run folder."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    records.write_study(folder, study)
    records.write_table(folder, records.TRIALS, records.typed(pd.DataFrame(rows), records.TRIAL_COLUMNS))
    if curves:
        frame = pd.concat([curve_rows(row, rng) for row in rows if row["iterations"]], ignore_index=True)
        records.write_table(folder, records.CURVES, records.typed(frame, records.CURVE_KEYS))
    if decisions is not None:
        records.write_table(folder, records.DECISIONS, records.typed(decisions, records.DECISION_COLUMNS))
    solved = [row for row in rows if row["phase"] in ("confirm", "ablation")]
    if solved:
        frame = solution_rows(study, solved, rng)
        records.write_table(folder, records.SOLUTIONS, records.typed(frame, records.SOLUTION_KEYS))
    return folder


def confirm_rows(
    maes: Mapping[str, Sequence[float | None]], configs: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Confirmation rows of the winner and the baseline; None is a diverged replicate."""
    return [
        trial_row(
            "confirm",
            f"confirm-{arm}",
            k,
            101 + k,
            mae,
            arm=arm,
            status="diverged" if mae is None else "completed",
            diverged_at=500 if mae is None else None,
            config=configs.get(arm),
            ended=400.0,
        )
        for arm, values in maes.items()
        for k, mae in enumerate(values)
    ]


def ablation_rows(
    study_arms: Mapping[str, Mapping[str, Any]],
    maes: Mapping[str, Sequence[float | None]],
    *,
    losses: Mapping[str, float] | None = None,
    iterations: int = 3000,
) -> list[dict[str, Any]]:
    """Rows of an ablation; None is a diverged replicate."""
    return [
        trial_row(
            "ablation",
            f"a-{arm}",
            k,
            11 + k,
            mae,
            arm=arm,
            status="diverged" if mae is None else "completed",
            diverged_at=40 if mae is None else None,
            config={**changes, "iterations": iterations},
            loss=None if mae is None else (losses or {}).get(arm),
            ended=10.0 * (place + 1),
        )
        for place, (arm, changes) in enumerate(study_arms.items())
        for k, mae in enumerate(maes[arm])
    ]
