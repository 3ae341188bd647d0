"""A Ray that lacks what it never promised: studies use its public calls, with the same results."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from optuna.distributions import FloatDistribution
from ray.tune.execution import tune_controller
from ray.tune.execution.tune_controller import TuneController
from rich.console import Console

from dgm_core import ConfigurationError, Setup, load_problem
from studies.processes import of_session
from studies.records import CLOCK_COLUMNS
from studies.running.runner import Options, run_study
from studies.study import Search
from studies.tune.cluster.address import head_address
from studies.tune.cluster.capacity import expected
from studies.tune.head import Head
from studies.tune.private import part
from studies.tune.private.cluster import AUTOSCALER, HEAD
from studies.tune.private.controller import HOLD, KEEP, SPREAD, WARM, reuse_workers, train_on
from studies.tune.private.part import SWITCH, PrivatePart
from studies.tune.private.start import NODE
from studies.tune.session import PARTS

ALONE = [known for known in PARTS if known not in (SPREAD, HEAD, AUTOSCALER)]
"""Parts that matter without a cluster."""

BASE = Setup.named(load_problem("heat"), "paper").changed({"width": 8, "batch_size": 8, "iterations": 60})
SEARCH = Search(
    name="tiny",
    base=BASE,
    baseline=BASE,
    space={"learning_rate": FloatDistribution(1e-6, 1e-1, log=True)},
    trials=6,
    replicates=1,
    confirmations=1,
    workers=3,
    startup_trials=3,
    grace_period=10,
    reduction_factor=2,
)


def ran(folder: Path) -> tuple[dict[str, pd.DataFrame], str]:
    """The tables of a tiny search, and what it said."""
    console = Console(file=StringIO(), width=200)
    run = run_study(SEARCH, Options(out=folder, run="one", seed=5, cores=2, console=console))
    tables = {}
    for name in ("trials.parquet", "curves.parquet", "decisions.parquet"):
        tables[name] = pd.read_parquet(run / name).drop(columns=[*CLOCK_COLUMNS], errors="ignore")
    assert isinstance(console.file, StringIO)
    return tables, console.file.getvalue()


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    tables, said = ran(tmp_path_factory.mktemp("usual"))
    assert "private part" not in said, "the Ray that is pinned has all of them"
    assert tables["decisions.parquet"]["stopped"].any()
    return tables


@pytest.mark.ray
@pytest.mark.parametrize(
    "without",
    [
        "all",
        *(pytest.param(known.name, marks=pytest.mark.cluster) for known in ALONE),
    ],
)
def test_a_study_without_private_parts_is_the_same(
    without: str, usual: dict[str, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH, without)
    tables, said = ran(tmp_path)
    for name in [without] if without != "all" else [known.name for known in PARTS]:
        assert f"is used without its private part {name!r}: " in said
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, usual[name], check_exact=True)


@pytest.mark.parametrize("known", PARTS, ids=lambda known: known.name)
def test_the_ray_that_is_installed_has_every_part(
    known: PrivatePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert known.usable
    monkeypatch.setenv(SWITCH, f"other, {known.name}")
    assert not known.usable


@pytest.mark.parametrize(
    ("lacking", "change"),
    [
        (HOLD, lambda patch: patch.delattr(TuneController, "_schedule_trial_train")),
        (HOLD, lambda patch: patch.setattr(TuneController, "_schedule_trial_train", lambda self: None)),
        (KEEP, lambda patch: patch.setattr(tune_controller, "_ObjectCache", object)),
        (SPREAD, lambda patch: patch.setattr(TuneController, "__init__", lambda self: None)),
        (NODE, lambda patch: patch.delattr("ray._private.services.start_api_server")),
        (WARM, lambda patch: patch.setattr("ray.tune.execution.class_cache.DEFAULT_ENV_VARS", None)),
    ],
)
def test_a_ray_that_differs_is_noticed(
    lacking: PrivatePart, change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    part._checked.cache_clear()
    change(monkeypatch)
    assert not lacking.usable
    monkeypatch.undo()
    part._checked.cache_clear()
    assert lacking.usable


def test_a_node_says_that_ray_differs(tmp_path: Path) -> None:
    script = Path(part.__file__).with_name("node.py")
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "__init__.py").write_text("")
    said = subprocess.run(
        [sys.executable, "-P", str(script), '{"cores": 1, "dashboard": false}'],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        input="",
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    ).stdout
    assert "differs" in said
    assert "ray._private" in said


def test_a_head_whose_ray_differs_is_left_for_ray_init(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "__init__.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Head(1, {}) as head:
        assert head.address is None
        session = head.session
    assert session is not None
    assert of_session(session) == []


def test_what_a_scheduler_changes_reaches_the_controller_behind_its_wrapper() -> None:
    called = []
    controller = SimpleNamespace(_reuse_actors=True, _schedule_trial_train=called.append)
    wrapper = SimpleNamespace(_tune_controller=controller)
    reuse_workers(wrapper, False)
    assert controller._reuse_actors is False
    train_on(wrapper, "trial")
    assert called == ["trial"]
    assert TuneController._wrapped.__code__.co_names[0] == "TrialRunnerWrapper"
    assert "_tune_controller" in tune_controller.TrialRunnerWrapper.__init__.__code__.co_names


def test_without_ray_s_head_an_address_is_left_to_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "head,autoscaler")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert head_address("auto") == "auto"
    with pytest.raises(ConfigurationError, match=r"no Ray cluster answers at --address 127\.0\.0\.1:9:"):
        head_address("127.0.0.1:9")
    assert expected() is None
