"""Several processes draw the figures of a report: each once, and the same ones."""

from __future__ import annotations

import subprocess
import sys
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
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "0").touch()
    with shared._helpers(run.folder, tmp_path / "figures", tmp_path / "claims", 1) as (helper,):
        assert helper.wait(timeout=120) == 0
    claims = Claims(tmp_path / "claims")
    every = plots.Drawing(run, tmp_path / "figures")
    assert claims[0] is None
    assert not every.drawn(0).png.exists()
    for i in range(1, len(every)):
        assert claims[i] is every.drawn(i).png.exists()
    assert any(claims[i] for i in range(1, len(every)))


def test_helpers_that_fail_are_no_obstacle(copied, cores, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copied("search")
    cores(3)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    make_report(folder)
    assert len(pictures(folder)) > 8


def test_an_error_leaves_no_helper(copied, cores, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copied("search")
    cores(3)
    begun: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen
    monkeypatch.setattr(shared.subprocess, "Popen", lambda *a, **k: begun.append(start(*a, **k)) or begun[-1])
    monkeypatch.setattr(plots.style, "save", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        make_report(folder)
    assert len(begun) == 2
    assert all(helper.returncode is not None for helper in begun)


def test_a_claimed_figure_is_drawn_once(tmp_path: Path) -> None:
    drawn: list[int] = []

    def draw(i: int) -> bool:
        Claims(tmp_path).take([i, 2], lambda other: bool(drawn.append(other)))  # in the midst of another's
        drawn.append(i)
        return i == 1

    Claims(tmp_path).take(range(3), draw)
    assert sorted(drawn) == [0, 1, 2]
    assert [Claims(tmp_path)[i] for i in range(4)] == [False, True, False, None]
