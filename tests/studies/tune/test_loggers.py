"""Trials told to MLflow and Weights & Biases, the real ones, on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from optuna.distributions import FloatDistribution

from dgm_core import ConfigurationError, Setup, load_problem
from studies.running.runner import Options, run_study
from studies.study import Search
from studies.tune.loggers import make_loggers

SEARCH = Search(
    name="told",
    base=Setup.named(load_problem("heat")).changed({"width": 4, "batch_size": 4, "iterations": 60}),
    space={"learning_rate": FloatDistribution(1e-3, 1e-2, log=True)},
    trials=1,
    replicates=2,
    confirmations=2,
    grace_period=20,
)


@pytest.fixture
def environment() -> Iterator[None]:
    """Gives back what the loggers put into it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.ray
def test_every_trial_is_told_with_its_settings_and_scores(tmp_path: Path, environment: None) -> None:
    mlflow = pytest.importorskip("mlflow", reason="the extra `mlflow` is not installed")
    pytest.importorskip("wandb", reason="the extra `wandb` is not installed")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    folder = run_study(SEARCH, Options(out=tmp_path, run="one", cores=2, log_to=(f"mlflow={uri}", "wandb")))
    client = mlflow.MlflowClient(tracking_uri=uri)
    (experiment,) = [e for e in client.search_experiments() if e.name == SEARCH.name]
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"001", "confirm-winner", "confirm-reference"}
    first = runs["001"]
    assert first.info.status == "FINISHED"
    assert 1e-3 <= float(first.data.params["settings/learning_rate"]) <= 1e-2
    steps = [point.step for point in client.get_metric_history(first.info.run_id, "score")]
    assert steps == [20, 60]
    assert first.data.metrics["iterations_per_second"] > 0
    offline = list((folder / "wandb").glob("offline-run-*"))
    assert len(offline) == len(runs)
    assert any(b"confirm-winner" in path.read_bytes() for path in (folder / "wandb").rglob("*.wandb"))


def test_what_cannot_be_told_is_said_before_a_trial_starts(
    tmp_path: Path, environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="comet"):
        make_loggers(["comet"], tmp_path)
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ConfigurationError, match=r"needs the package wandb: pip install .*\[wandb\]"):
        make_loggers(["wandb"], tmp_path)


def test_a_server_that_does_not_answer_is_one_sentence(tmp_path: Path, environment: None) -> None:
    pytest.importorskip("mlflow", reason="the extra `mlflow` is not installed")
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    with pytest.raises(ConfigurationError, match="MLflow does not work at --log-to mlflow=http"):
        make_loggers(["mlflow=http://127.0.0.1:9"], tmp_path)
