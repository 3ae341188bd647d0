"""What ends Tune: Ray's own processes, lost, are one sentence; anything else is not hidden."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from ray import tune
from ray.exceptions import RaySystemError

from studies.errors import StudyError
from studies.running.crew import Crew
from studies.running.launch import launch


class Ended:
    """In place of a Tuner, one that has met an error, wrapped as Tune wraps it."""

    error: Exception

    def __init__(self, *arguments: object, **settings: object) -> None: ...

    def fit(self) -> None:
        raise tune.TuneError("The Ray Tune run failed.") from self.error


def launched(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ended, "error", error, raising=False)
    monkeypatch.setattr(tune, "Tuner", Ended)
    monkeypatch.setattr(tune, "with_parameters", lambda trainable, **parameters: trainable)
    engine = SimpleNamespace(crew=Crew(1), folder=Path("a run"))
    launch(engine, None, [], together=1, session=1)  # type: ignore[arg-type]


def test_a_lost_ray_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    said = r"^Ray's processes were lost \(.*no GCS.*\); go on with: dgm resume 'a run'$"
    with pytest.raises(StudyError, match=said):
        launched(RaySystemError("no GCS\nand much more"), monkeypatch)


def test_an_error_of_another_kind_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(tune.TuneError):
        launched(KeyError("a bug"), monkeypatch)
