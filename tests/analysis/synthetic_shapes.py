"""Made-up runs of `dgm solve` on problems of every shape: axes, outputs, domains, polish, no reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.load import Run, load_run
from studies import records
from tests.analysis.synthetic import BASE, curve_rows, polish_rows, record, trial_row

SHAPES: dict[str, dict[str, Any]] = {
    "line": {"axes": {"x": (0.0, 1.0)}, "outputs": ["u"]},
    "system": {"axes": {"t": (0.0, 30.0)}, "outputs": ["y", "w"], "error": 1e-6},
    "three outputs": {"axes": {"t": (0.0, 20.0)}, "outputs": ["x", "y", "z"]},
    "space and time": {"axes": {"x": (0.0, 3.14159), "t": (0.0, 3.0)}, "outputs": ["u"], "error": 0.3},
    "square": {"axes": {"x": (0.0, 1.0), "y": (0.0, 1.0)}, "outputs": ["u"], "error": 1e-5},
    "flat": {"axes": {"x": (-4.0, 4.0), "y": (0.0, 0.5)}, "outputs": ["u"], "error": 0.2},
    "tall": {"axes": {"x": (0.0, 0.2), "y": (-1.0, 1.0)}, "outputs": ["u"], "error": 0.2},
    "two fields": {"axes": {"x": (0.0, 1.0), "y": (0.0, 1.0)}, "outputs": ["u", "v"], "error": 0.1},
    "three axes": {"axes": {"x": (0.0, 1.0), "y": (0.0, 2.0), "t": (0.0, 5.0)}, "outputs": ["u"]},
    "family": {
        "axes": {"x": (0.0, 1.0), "p": (-1.0, 1.0), "t": (0.0, 5.0)},
        "parameters": ["p"],
        "outputs": ["u"],
    },
    "seven axes": {"axes": {f"x{i}": (0.0, 1.0) for i in range(1, 8)}, "outputs": ["u"]},
    "polished": {"axes": {"x": (0.0, 1.0), "y": (0.0, 1.0)}, "outputs": ["u"], "polish": (500, 1)},
    "windows": {"axes": {"t": (0.0, 30.0)}, "outputs": ["y", "w"], "polish": (200, 20)},
    "no reference": {"axes": {"x": (0.0, 1.0), "t": (0.0, 1.0)}, "outputs": ["u"], "metric": "residual"},
    "exact": {"axes": {"x": (0.0, 1.0)}, "outputs": ["u"], "error": 0.0},
}


def solved_run(folder: Path, shape: str) -> Run:
    """A run of five replicates of one problem whose solution has a shape."""
    own = SHAPES[shape]
    study = record(
        name="solve-made-up", kind="solve", problem="made-up", axes=own["axes"], outputs=own["outputs"],
        parameter_axes=own.get("parameters", []),
        metric=own.get("metric", "mae"), trials_asked=1, replicates=5, seeds={"solve": [1, 2, 3, 4, 5]},
    )  # fmt: skip
    polish, windows = own.get("polish", (0, 1))
    config = {**BASE, "iterations": 400, "polish_iterations": polish, "windows": windows}
    error = own.get("error", 0.004)
    rows = []
    for k in range(5):
        row = trial_row(
            "solve", "paper", k, k + 1, error * (0.7 + 0.2 * k), config=config, loss=0.01 * (k + 1)
        )
        if study.metric == "residual":
            row |= {"mae": None, "rel_l2": None, "max_error": None, "residual": row["mae"]}
        rows.append(row)
    rng = np.random.default_rng(1)
    folder.mkdir(parents=True)
    records.write_study(folder, study)
    records.write_table(folder, records.TRIALS, records.typed(pd.DataFrame(rows), records.TRIAL_COLUMNS))
    curves = [curve_rows({**row, "mae": max(row["mae"] or error, 1e-9)}, rng, every=100) for row in rows]
    ends = [(window + 1) * 400 // windows for window in range(windows)] if polish else []
    curves += [polish_rows(curves[row["replicate"]], end, polish) for end in ends for row in rows]
    records.write_table(folder, records.CURVES, records.typed(pd.concat(curves), records.CURVE_KEYS))
    points = _points(study.axes, rng)
    frames = [_predicted(study, row, points) for row in rows]
    records.write_table(
        folder, records.SOLUTIONS, records.typed(pd.concat(frames, ignore_index=True), records.SOLUTION_KEYS)
    )
    return load_run(folder)


def _points(axes: dict[str, tuple[float, float]], rng: np.random.Generator) -> pd.DataFrame:
    """A grid in one and two dimensions, scattered points in more."""
    if len(axes) > 2:
        return pd.DataFrame({name: rng.uniform(low, high, 600) for name, (low, high) in axes.items()})
    lines = [np.linspace(low, high, 21) for low, high in axes.values()]
    return pd.DataFrame(
        dict(zip(axes, (one.ravel() for one in np.meshgrid(*lines, indexing="ij")), strict=True))
    )


def _predicted(study: Any, row: dict[str, Any], points: pd.DataFrame) -> pd.DataFrame:
    score = row["mae"] if study.metric == "mae" else row["residual"]
    first = points[next(iter(study.axes))].to_numpy()
    frame = points.assign(phase="solve", trial="paper", arm=None, replicate=row["replicate"])
    for shift, output in enumerate(study.outputs):
        exact = np.sin(first) + shift
        if study.metric == "mae":
            frame[f"reference_{output}"] = exact
        frame[f"prediction_{output}"] = exact + score * np.cos(7 * first + shift)
    keys = ["phase", "trial", "arm", "replicate"]
    return frame[[*keys, *frame.columns.drop(keys)]]
