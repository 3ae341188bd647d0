"""A solve that hangs is said to, ends with where it hung, and can be gone on with."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dgm_core import Setup, extensions, load_problem
from studies.errors import StudyError
from studies.records import read_study
from studies.records.events import Silent
from studies.records.log import read_log
from studies.running import vigil
from studies.running.resume import solve_setup_of
from studies.running.solve import resume_solve, solve_setup
from studies.trials import trainable

SLEEPER = """
import threading

from dgm_core.formulation import ODE, Box

ASLEEP = threading.Event()


class Sleeper(ODE):
    domain = Box(t=(0.0, 1.0))
    outputs = ("y",)
    start = (1.0,)

    def rate(self, t, y):
        if ASLEEP.is_set():
            threading.Event().wait(60)
        return -y
"""


@pytest.fixture
def sleeper(tmp_path: Path, own_files: None) -> Any:
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    return extensions.load(str(tmp_path / "sleeper.py"))


def test_a_residual_that_sleeps_is_told_of_and_ended_and_gone_on_with(
    sleeper: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainable, "REPORT_SECONDS", 0.02)
    changes = {"iterations": 3_000, "width": 4, "polish_iterations": 0}
    setup = Setup.named(load_problem("sleeper")).changed(changes)
    said: list[str] = []
    since: list[float] = []
    # The vigil's clock goes from then on: what takes long before, a compiler for example, is no silence.
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() - since[0] if since else 0.0)
    monkeypatch.setattr(vigil, "time", clock)

    def fall_asleep(far: Any, loss: float, score: float) -> None:
        since.append(time.monotonic())
        sleeper.ASLEEP.set()

    options: dict[str, Any] = {"replicates": 1, "run": "one", "tell": said.append, "timeout": 1.0}
    with pytest.raises(StudyError, match=r"no progress for 1 s \(the traceback is in .*dgm resume"):
        solve_setup(setup, out=tmp_path, on_progress=fall_asleep, **options)
    folder = tmp_path / "solve-sleeper" / "one"
    assert len(said) == 1
    assert "after 1 s it is ended" in said[0]
    assert [event.seconds > 0 for event in read_log(folder) if isinstance(event, Silent)] == [True]
    (trace,) = (folder / "failures").iterdir()
    assert "in rate" in trace.read_text()
    record = read_study(folder)
    assert record.state == "failed"
    sleeper.ASLEEP.clear()
    since.clear()
    solved = resume_solve(solve_setup_of(folder, record), folder, read_study(folder))
    assert solved.summary["status"] == "completed"


def test_what_comes_back_in_time_is_heard_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vigil, "told_after", lambda allowed: 0.02)
    told: list[float] = []
    watch = vigil.Vigil(30.0, told.append, trace=Path("unused"))
    with watch.kept():
        while not told:
            time.sleep(0.01)
        watch.heard()
    assert told[0] >= 0.02
    assert told[1] == 0.0


def test_what_takes_no_signal_is_given_up_with_the_trace_of_its_threads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(vigil, "_GRACE_SECONDS", 0.05)
    monkeypatch.setattr(vigil.signal, "pthread_kill", lambda ident, number: None)
    monkeypatch.setattr(vigil, "Watchdog", _NoDog)
    left: list[str] = []
    gone = threading.Event()

    def give_up(text: str) -> None:
        left.append(text)
        gone.set()

    watch = vigil.Vigil(0.05, lambda seconds: None, give_up=give_up, trace=tmp_path / "hung.txt")
    with watch.kept():
        assert gone.wait()
    assert "in test_what_takes_no_signal" in left[0]


class _NoDog:
    """That of C would end the tests."""

    def __init__(self, seconds: float, path: Path) -> None:
        pass

    @contextmanager
    def watching(self) -> Iterator[None]:
        yield

    def pat(self) -> None:
        pass
