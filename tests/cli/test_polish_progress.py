"""What `dgm solve` and `dgm status` say of a polish."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path

import pytest
from rich.console import Console

from dgm_cli import solve
from dgm_cli.runs import status
from dgm_core import Setup, load_problem
from dgm_core.training import TrainingProgress
from studies.running.solve import OnProgress as Told
from studies.running.solve import Solved, solve_setup
from studies.trials import trainable

SETUP = Setup.named(load_problem("exponential-decay")).changed(
    {"windows": 2, "polish_iterations": 40, "polish_points": 8, "width": 4, "iterations": 20}
)


def said(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> str:
    """By a training of which two windows are polished."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=120, markup=False, highlight=False)
    monkeypatch.setattr(solve, "messages", console)

    def train(on_progress: Told) -> Solved:
        for window in range(2):
            on_progress(TrainingProgress(window, False, 10 * window + 5, 20, [1.0]), 1.0, 0.5)
            for step in range(0, 40, 4):
                on_progress(TrainingProgress(window, True, step, 40, [0.1]), 0.1, 0.05)
        return Solved(Path(), {"status": "interrupted"})

    solve._with_progress(SETUP, train)
    return file.getvalue()


def test_a_log_file_gets_lines_of_each_polish(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = said(monkeypatch, terminal=False).splitlines()
    names = [line.partition(":")[0] for line in lines]
    training = "exponential-decay"
    polishes = [f"{training}, polish of window {window} of 2" for window in (1, 2)]
    assert names == [training, *[polishes[0]] * 5, training, *[polishes[1]] * 5]
    assert "polish of window 1 of 2: 0 of 40 · loss 1.00e-01" in lines[1]
    assert "15 of 20" in lines[6]


def test_a_terminal_gets_a_bar_for_each_polish(monkeypatch: pytest.MonkeyPatch) -> None:
    text = said(monkeypatch, terminal=True)
    for window in (1, 2):
        assert f"polish of window {window} of 2" in text
    assert "36/40" in text
    assert "10/20" in text, "the training's own bar stands where its window ends"


def test_status_says_how_far_a_polish_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trainable, "REPORT_SECONDS", 0.0)
    monkeypatch.setenv("COLUMNS", "200")
    seen: list[str] = []

    def look(far: TrainingProgress, loss: float, score: float) -> None:
        if far.polishing and not seen:
            with suppress(SystemExit):
                status(str(tmp_path / "solve-exponential-decay" / "one"))
            seen.append(capsys.readouterr().out)

    solve_setup(SETUP, out=tmp_path, replicates=1, run="one", on_progress=look)
    assert "10 / 20, polishing: " in seen[0]
    assert " / 40" in seen[0]
