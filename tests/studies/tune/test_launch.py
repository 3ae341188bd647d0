"""What ends Tune: Ray's own processes, lost, are one sentence; anything else is not hidden."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray import tune
from ray.exceptions import RaySystemError

from studies.errors import StudyError
from studies.records.storage import Store
from studies.tune.launch import launch
from studies.tune.worker_pool import WorkerPool


class Ended:
    """In place of a Tuner, one that has met an error, wrapped as Tune wraps it."""

    error: Exception

    def __init__(self, *arguments: object, **settings: object) -> None: ...

    def fit(self) -> None:
        raise tune.TuneError("The Ray Tune run failed.") from self.error


def launched(error: Exception, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ended, "error", error, raising=False)
    monkeypatch.setattr(tune, "Tuner", Ended)
    monkeypatch.setattr(tune, "with_parameters", lambda trainable, **parameters: trainable)
    engine: Any = SimpleNamespace(folder=folder, store=Store.at(folder), pool=WorkerPool(1, alone=True))
    payload: Any = None
    launch(engine, payload, [], share={"CPU": 1.0}, session=1, device="cpu")


def test_a_lost_ray_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = r"^Ray's processes were lost \(.*no GCS.*\); go on with: dgm resume '.*a run'$"
    with pytest.raises(StudyError, match=said):
        launched(RaySystemError("no GCS\nand much more"), tmp_path / "a run", monkeypatch)


def test_an_error_of_another_kind_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(tune.TuneError):
        launched(KeyError("a bug"), tmp_path, monkeypatch)
