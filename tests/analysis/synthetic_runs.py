"""Made-up runs of known structure: searches, ablations and broken-off beginnings."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from studies import records
from studies.records import Outcome
from studies.records.intervals import confirmed
from tests.analysis.synthetic import BASE, ablation_rows, confirm_rows, record, trial_row, write_run

LOG = {"distribution": "FloatDistribution", "step": None, "low": 1e-4, "high": 0.1, "log": True}
INT = {"distribution": "IntDistribution", "log": False, "step": 1, "low": 1, "high": 512}
DEPTH = {"distribution": "IntDistribution", "log": False, "step": 1, "low": 1, "high": 6}
CHOICE = {"distribution": "CategoricalDistribution", "choices": ["tanh", "relu"]}
SPACE = {"batch_size": INT, "learning_rate": LOG, "depth": DEPTH, "activation": CHOICE}


def search_run(folder: Path, trials: int = 24, **changes: Any) -> Path:
    """A search with completed, stopped, diverged, failed and interrupted trials, and its confirmation."""
    rng = np.random.default_rng(3)
    rows, looks = [], []
    for index in range(trials):
        config = {
            "batch_size": int(rng.integers(1, 512)),
            "learning_rate": float(10 ** rng.uniform(-4, -1)),
            "depth": int(rng.integers(1, 7)),
            "activation": "relu" if index % 4 == 3 else "tanh",
            "iterations": int(rng.integers(1000, 4000)),
        }
        score = 0.4 if config["activation"] == "relu" else float(10 ** rng.uniform(-4.2, -1.5))
        loss = 1e-6 if config["activation"] == "relu" else score**1.5
        kind = {4: "diverged", 9: "failed", trials - 1: "interrupted"}.get(index, "completed")
        stopped = kind == "completed" and score > 4e-3
        ran = 500 if stopped else 300 if kind == "interrupted" else config["iterations"]
        for rung in (500, 1000):
            if kind == "completed" and (rung == 500 or not stopped):
                early = score ** (math.log(rung) / math.log(config["iterations"]))
                cutoff = None if len(looks) < 3 else 4e-3 ** (math.log(rung) / math.log(2500))
                looks.append(
                    {
                        "trial": f"t{index:02d}",
                        "rung": rung,
                        "score": early,
                        "cutoff": cutoff,
                        "recorded": sum(look["rung"] == rung for look in looks),
                        "stopped": stopped,
                        "elapsed": 10.0 * index,
                    }
                )
        for k in range(3):
            lost = kind == "diverged" or (index == 6 and k == 0)
            status = "diverged" if lost else "stopped" if stopped else kind
            bare = lost or kind == "failed"
            rows.append(
                trial_row(
                    "search",
                    f"t{index:02d}",
                    k,
                    1 + k,
                    None if bare else score * (0.8 + 0.2 * k),
                    status=status,
                    config=config,
                    ran=0 if kind == "failed" else ran,
                    loss=None if bare else loss * (0.9 + 0.1 * k),
                    ended=12.0 * (index + 1),
                    diverged_at=120 if lost else None,
                    rung=500 if stopped else None,
                    error="RuntimeError: <out of memory> & more" if kind == "failed" else None,
                )
            )
    best = {"batch_size": 214, "learning_rate": 5e-3, "iterations": 3000}
    maes = {"winner": [1.0e-4, 1.2e-4, 0.9e-4, 1.4e-4, 1.1e-4], "baseline": [8e-4, 9e-4, 7e-4, 12e-4, 10e-4]}
    rows += confirm_rows(maes, {"winner": best})
    names = {"winner": "winner", "baseline": "confirmed_baseline"}
    outcomes = {
        names[arm]: Outcome(trial=f"confirm-{arm}", config=BASE | changes, score=confirmed(maes[arm]))
        for arm, changes in {"winner": best, "baseline": {}}.items()
    }
    study = record(
        space=SPACE,
        trials_asked=trials,
        scheduler={"grace_period": 500, "reduction_factor": 2, "rungs": [500, 1000], "max_t": 4000},
        **outcomes,
        **changes,
    )
    return write_run(folder, study, rows, decisions=pd.DataFrame(looks))


def batch_size_run(folder: Path, *, iterations: int = 3000, replicates: int = 5) -> Path:
    """One factor, eleven ordered arms; one replicate of batch size 1 diverged."""
    rng = np.random.default_rng(5)
    arms = {str(2**power): {"batch_size": 2**power} for power in range(11)}
    maes: dict[str, list[float | None]] = {
        name: [float(v) for v in 10 ** rng.normal(-2 - 0.15 * place, 0.1, replicates)]
        for place, name in enumerate(arms)
    }
    maes["1"][0] = None
    study = record(
        name="heat-batch-size",
        kind="ablation",
        question="How does the mini-batch size change the error reached, per step, per point and per second?",
        arms=arms,
        baseline="64",
        trials_asked=11,
        replicates=replicates,
        command="dgm run heat-batch-size",
    )
    return write_run(folder, study, ablation_rows(arms, maes, iterations=iterations))


def batch_norm_run(folder: Path) -> Path:
    """Two factors, six arms; ReLU's loss falls and solves nothing."""
    rng = np.random.default_rng(6)
    levels: dict[str, list[Any]] = {"batch_norm": [None, "before", "after"], "activation": ["tanh", "relu"]}
    arms = {
        f"batch_norm={norm or 'none'}, activation={act}": {"batch_norm": norm, "activation": act}
        for norm in levels["batch_norm"]
        for act in levels["activation"]
    }
    centre = {None: -3.0, "before": -2.0, "after": -1.5}
    maes: dict[str, list[float | None]] = {}
    for name, changes in arms.items():
        middle = -0.38 if changes["activation"] == "relu" else centre[changes["batch_norm"]]
        maes[name] = [float(value) for value in 10 ** rng.normal(middle, 0.05, 5)]
    losses = {name: 1e-7 for name, changes in arms.items() if changes["activation"] == "relu"}
    study = record(
        name="heat-batch-norm",
        kind="ablation",
        question="Does batch normalization help, and where does it belong?",
        arms=arms,
        factors=levels,
        baseline="batch_norm=none, activation=tanh",
        learning_rates="tuned",
        tuned_rates=dict.fromkeys(arms, 1e-3),
        trials_asked=6,
        replicates=5,
    )
    return write_run(folder, study, ablation_rows(arms, maes, losses=losses))


def activation_run(folder: Path) -> Path:
    """Seven arms that are names, one of which diverged in part."""
    rng = np.random.default_rng(8)
    names = ["tanh", "relu", "sin", "gelu", "swish", "softplus", "adaptive tanh of Jagtap"]
    arms = {name: {"activation": name} for name in names}
    maes: dict[str, list[float | None]] = {
        name: [float(value) for value in 10 ** rng.normal(-3 + 0.3 * place, 0.2, 5)]
        for place, name in enumerate(names)
    }
    maes["relu"][1] = None
    study = record(
        name="heat-activation",
        kind="ablation",
        question="Which activation?",
        arms=arms,
        baseline="tanh",
        trials_asked=len(arms),
        replicates=5,
        command="dgm run heat-activation",
    )
    return write_run(folder, study, ablation_rows(arms, maes, iterations=400))


def two_outputs_run(folder: Path) -> Path:
    """A search on a problem of one input and two outputs, its winner confirmed."""
    rows = [trial_row("search", "t00", 0, 1, 2e-3, config={"iterations": 1000})]
    maes: dict[str, list[float | None]] = {"winner": [0.02, 0.01, 0.03, 0.02, 0.04], "baseline": [0.05] * 5}
    rows += confirm_rows(maes, {name: {"iterations": 1000} for name in maes})
    study = record(
        name="fhn", problem="fitzhugh_nagumo", axes={"t": (0.0, 30.0)}, outputs=["y", "w"], trials_asked=1
    )
    return write_run(folder, study, rows)


def empty_run(folder: Path) -> Path:
    """Interrupted before anything was finished: study.json alone."""
    folder.mkdir(parents=True)
    records.write_study(folder, record(space=SPACE, state="interrupted", seconds=None))
    return folder


def single_run(folder: Path) -> Path:
    """One trial of one replicate, confirmed on one seed."""
    rows = [trial_row("search", "t00", 0, 1, 2e-3, config={"iterations": 50})]
    rows += confirm_rows({"winner": [2e-3]}, {"winner": {"iterations": 50}})
    return write_run(folder, record(space=SPACE, trials_asked=1, replicates=1), rows)
