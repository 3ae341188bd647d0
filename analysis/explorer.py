"""What the report's explorer holds: trials, their curves and the solutions, small enough to embed.

Plotly draws it: of the well-kept libraries that come as one file, it has parallel coordinates, logarithmic
axes and hover of its own.  Its script is part of its Python package, so none is copied here.  Packed it adds
two megabytes to a page; it is unpacked when the explorer is opened, so that the report itself shows at once.
"""

from __future__ import annotations

import base64
import gzip
import json
import shlex
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from analysis import scores, statistics
from analysis.arms import key_name
from analysis.curves import Curve, band, thinned, trial_curves
from analysis.load import Run
from analysis.numbers import plain_number
from analysis.settings import toml
from analysis.solutions import shown_solutions
from studies.records import CONFIG, LABELS

_POINTS = 120
"""Of a curve."""
_ENOUGH = 5
"""Trials from which on a correlation is shown."""


def packed(content: str) -> str:
    """Text for a page, compressed: base64 of gzip, the same each time."""
    return base64.b64encode(gzip.compress(content.encode(), 9, mtime=0)).decode("ascii")


def library() -> str:
    """Plotly's script, packed."""
    from plotly.offline import get_plotlyjs

    return packed(get_plotlyjs())


def data(run: Run, copies: dict[str, dict[str, str]]) -> str:
    """Everything that the explorer shows, packed.  copies: of each table its CSV, Markdown and LaTeX."""
    payload = {
        "kind": run.study.kind,
        "score": LABELS.get(run.study.metric, run.study.metric),
        "folder": _folder(run),
        "rungs": list(run.study.scheduler.get("rungs", [])),
        "settings": _settings(run),
        "trials": _trials(run),
        "curves": _curves(run),
        "correlations": _correlations(run),
        "solutions": shown_solutions(run),
        "copies": copies,
    }
    return packed(json.dumps(payload, separators=(",", ":"), allow_nan=False))


def _folder(run: Run) -> str:
    """Of the run, from where its command was typed: the page may be read anywhere."""
    words = shlex.split(run.study.command or "")
    places = [word.removeprefix("--out=") for word in words if word.startswith("--out=")]
    places += [place for option, place in pairwise(words) if option == "--out"]
    return str(PurePosixPath(places[-1] if places else "results", run.study.name, run.study.run))


def _phases(run: Run) -> pd.DataFrame:
    return run.phase("search", "ablation", "solve", "confirm")


def _settings(run: Run) -> list[dict[str, Any]]:
    """The settings that vary between trials, those searched first: key, name, and whether on a log scale."""
    rows = _phases(run)
    space = run.study.space
    varied = [
        name.removeprefix(CONFIG)
        for name in scores.told_columns(rows, run.study.space)
        if rows[name].astype("string").nunique(dropna=False) > 1
    ]
    keys = [*space, *(key for key in varied if key not in space)]
    return [
        {
            "key": key,
            "name": key_name(key),
            "log": bool(space.get(key, {}).get("log")),
            "searched": key in space,
            "number": _isplain_number(rows[CONFIG + key]),
        }
        for key in keys
        if CONFIG + key in rows
    ]


def _isplain_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _trials(run: Run) -> list[dict[str, Any]]:
    table = scores.trial_scores(_phases(run))
    keys = [setting["key"] for setting in _settings(run)]
    looks, folder = run.decisions, shlex.quote(_folder(run))
    trials = []
    for row in table.to_dict("records"):
        trial = str(row["trial"])
        trial_looks = looks[looks["trial"] == trial]
        trials.append(
            {
                "trial": trial,
                "phase": row["phase"],
                "status": row["status"],
                "score": plain_number(row["score"]),
                "infinite": bool(np.isposinf(row["score"])),
                "loss": plain_number(row["loss"]),
                "iterations": plain_number(row["iterations"]),
                "asked": plain_number(row["iterations_asked"]),
                "seconds": plain_number(row["seconds"]),
                "settings": {key: _plain(row[CONFIG + key]) for key in keys},
                "error": None if pd.isna(row["error"]) else str(row["error"]),
                "looks": [
                    {
                        "rung": int(look["rung"]),
                        "score": plain_number(look["score"]),
                        "cutoff": plain_number(look["cutoff"]),
                        "stopped": bool(look["stopped"]) if not pd.isna(look["stopped"]) else False,
                    }
                    for look in trial_looks.to_dict("records")
                    if not pd.isna(look["rung"])
                ],
                "toml": toml(run, trial),
                "command": f"dgm rerun {folder} --trial {shlex.quote(trial)}",
            }
        )
    return trials


def _curves(run: Run) -> dict[str, dict[str, Any]]:
    """The error of each trial where it was measured: median and interval, and what an iteration cost."""
    curves = trial_curves(run, _phases(run), "score")
    return {trial: _curve(curve) for trial, curve in curves.items() if len(curve.iterations)}


def _curve(full: Curve) -> dict[str, Any]:
    known = np.isfinite(full.values).any(axis=1)
    curve = thinned(Curve(full.iterations[known], full.values[known], full.cost), bins=_POINTS)
    middle, low, high = band(curve.values)
    return {
        "x": [plain_number(x) for x in curve.iterations],
        "y": [plain_number(y) for y in middle],
        "low": [plain_number(y) for y in low],
        "high": [plain_number(y) for y in high],
        "points": plain_number(full.cost["points"]),
        "seconds": plain_number(full.cost["seconds"]),
    }


def _correlations(run: Run) -> list[dict[str, Any]]:
    """Of each numeric setting that was searched: the rank correlation with the score, and its interval."""
    trials = scores.trial_scores(run.phase("search"))
    ended = trials[(trials["status"] == "completed") & np.isfinite(trials["score"])]
    correlations = []
    for setting in _settings(run):
        if setting["searched"] and setting["number"] and len(ended) >= _ENOUGH:
            values = scores.numbers(ended[CONFIG + setting["key"]])
            rho, low, high = map(plain_number, statistics.rank_correlation(values, ended["score"].to_numpy()))
            if rho is not None:
                correlations.append({"name": setting["name"], "rho": rho, "low": low, "high": high})
    return correlations


def _plain(value: Any) -> Any:
    if not isinstance(value, str) and pd.isna(value):
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    return plain_number(value) if isinstance(value, int | float | np.number) else str(value)
