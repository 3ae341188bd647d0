"""Trials told to MLflow or Weights & Biases as well, by Ray's own integrations."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.air.integrations.wandb import WandbLoggerCallback
from ray.tune.logger import LoggerCallback

from dgm_core import ConfigurationError
from dgm_core.errors import unknown
from studies.trials.trainable import TIME
from studies.tune.tuning import METRICS

_PACKAGES = {"mlflow": "mlflow", "wandb": "wandb"}
"""Where trials can be told -> the extra that installs what is needed."""
_OURS = ["changes", "folder", "key"]
"""Parts of a trial's configuration that say nothing to people."""


class _AtRungs(LoggerCallback):
    """Passes on what is measured, at rungs and ends alone, with the iteration as the step."""

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        if METRICS in result:
            values = {key: value for key, value in result.items() if key != METRICS}
            super().log_trial_result(iteration, trial, {**values, "timesteps_total": result[TIME]})


class _MLflow(_AtRungs, MLflowLoggerCallback): ...


class _Wandb(_AtRungs, WandbLoggerCallback): ...


def make_loggers(targets: Sequence[str], folder: Path) -> list[LoggerCallback]:
    """A callback for each target: `mlflow`, `mlflow=URI`, `wandb` or `wandb=PROJECT`.

    The experiment, or the project by default, is named after the study, and the run folder's name groups its
    trials.  Weights & Biases works offline, into the run folder, unless its environment says otherwise.  Call
    it before Ray starts, which passes the environment on.  Raises ConfigurationError where a target is
    unknown, its package missing, or nothing answers at the URI.
    """
    loggers: list[LoggerCallback] = []
    for target in targets:
        name, _, value = target.partition("=")
        if name not in _PACKAGES:
            raise unknown("target of --log-to", name, _PACKAGES)
        if importlib.util.find_spec(name) is None:
            raise ConfigurationError(
                f"--log-to {target} needs the package {name}: "
                f"pip install -c scripts/constraints.txt -e '.[{_PACKAGES[name]}]'"
            )
        loggers.append(_mlflow(value, folder) if name == "mlflow" else _wandb(value, folder))
    return loggers


def _mlflow(uri: str, folder: Path) -> LoggerCallback:
    import mlflow

    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    try:
        mlflow.MlflowClient(tracking_uri=uri or None).search_experiments(max_results=1)
    except Exception as error:  # whatever its stores raise
        cause = " ".join(str(error).split())
        raise ConfigurationError(f"MLflow does not work at --log-to mlflow={uri}: {cause}") from None
    tags = {"run": folder.name, "study": folder.parent.name}
    return _MLflow(tracking_uri=uri or None, experiment_name=folder.parent.name, tags=tags)


def _wandb(project: str, folder: Path) -> LoggerCallback:
    if "WANDB_API_KEY" not in os.environ:
        os.environ.setdefault("WANDB_MODE", "offline")
    name = project or folder.parent.name
    return _Wandb(project=name, group=folder.name, excludes=_OURS, dir=str(folder))
