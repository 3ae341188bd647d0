"""Several processes draw the figures of a report: each once, and the same ones."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis import plots
from analysis.load import load_run
from analysis.plots import shared
from analysis.plots.shared import Claims
from analysis.report import make_report


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda count: monkeypatch.setattr(shared, "available_cores", lambda: count)


def pictures(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((folder / "figures").iterdir())}


def test_the_figures_of_several_processes_are_those_of_one(copied, cores) -> None:
    folder = copied("search")
    cores(1)
    make_report(folder)
    alone = pictures(folder)
    for file in (folder / "figures").iterdir():
        file.unlink()
    cores(3)
    make_report(folder)
    assert pictures(folder) == alone
    assert len(alone) > 8


def test_a_helper_draws_what_is_left_to_it(copied, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process itself, alone: all figures that nobody has claimed; also where a package has our name."""
    run = load_run(copied("search"))
    (tmp_path / "analysis").mkdir()
    (tmp_path / "analysis" / "__init__.py").write_text("raise ImportError")
    monkeypatch.chdir(tmp_path)
    every = plots.Drawing(run, tmp_path / "figures")
    first, *others = every.names
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / first).touch()
    with shared._helpers(run.folder, tmp_path / "figures", [], tmp_path / "claims", 1) as (helper,):
        assert helper.wait() == 0
    claims = Claims(tmp_path / "claims")
    assert claims[first] is None
    assert not every.drawn(first).png.exists()
    assert [claims[name] for name in others] == [every.drawn(name).png.exists() for name in others]
    assert any(claims[name] for name in others)


@pytest.mark.usefixtures("undrawn")
def test_helpers_that_fail_are_no_obstacle(copied, cores, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copied("search")
    cores(3)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    make_report(folder)
    assert len(pictures(folder)) > 8


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("what", ["Popen", "TemporaryDirectory"])
def test_where_nothing_can_be_started_the_report_is_made_alone(
    what, copied, cores, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_, **__):
        raise OSError("no more of these")

    folder = copied("search")
    cores(3)
    monkeypatch.setattr(shared.subprocess if what == "Popen" else shared, what, refused)
    make_report(folder)
    assert len(pictures(folder)) > 8


@pytest.mark.parametrize("farewell", [30.0, 0.0])
def test_an_error_leaves_no_helper_and_no_half_of_a_file(
    farewell: float, copied, cores, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied("search")
    cores(3)
    monkeypatch.setattr(shared, "_FAREWELL", farewell)  # at 0.0 a helper is killed in the midst of its file
    begun: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def failing(*_) -> None:
        deadline = time.monotonic() + 600.0
        while not any((folder / "figures").glob("*")) and time.monotonic() < deadline:
            time.sleep(0.01)  # until a helper is at work
        raise ZeroDivisionError

    monkeypatch.setattr(shared.subprocess, "Popen", lambda *a, **k: begun.append(start(*a, **k)) or begun[-1])
    monkeypatch.setattr(plots.style, "save", failing)
    with pytest.raises(ZeroDivisionError):
        make_report(folder)
    assert len(begun) == 2
    assert all(helper.returncode is not None for helper in begun)
    assert not [name for name in pictures(folder) if name.startswith(".")]


def test_a_claimed_figure_is_drawn_once(tmp_path: Path) -> None:
    drawn: list[str] = []

    def draw(name: str) -> bool:
        # In the midst of another's.
        Claims(tmp_path).take([name, "c"], lambda other: bool(drawn.append(other)))
        drawn.append(name)
        return name == "b"

    Claims(tmp_path).take("abc", draw)
    assert sorted(drawn) == ["a", "b", "c"]
    assert [Claims(tmp_path)[name] for name in "abcd"] == [False, True, False, None]
