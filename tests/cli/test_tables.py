"""What commands print as tables fits the terminal: a line for each setting where there are many."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from dgm_cli import outcome

KEYS = ("batch_size", "learning_rate", "iterations", "depth", "input_scaling", "polish_iterations")


def record(keys: tuple[str, ...]) -> Any:
    config = dict(zip(keys, (64, 0.0163, 3968, 3, "unit", 200), strict=False))
    score = {"median": 2.4e-4, "low": 2.1e-4, "high": 3.1e-4, "n": 6, "diverged": 0}
    best = SimpleNamespace(trial="023", config=config, score=score)
    space = {key: {} for key in keys}
    return SimpleNamespace(
        kind="search", state="finished", winner=best, confirmed_baseline=best, space=space, metric="mae"
    )


@pytest.mark.parametrize(("keys", "lines"), [(KEYS[:3], 4), (KEYS, 9)])
def test_the_winner_s_settings_are_whole_at_100_columns(
    keys: tuple[str, ...], lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.StringIO()
    monkeypatch.setattr(outcome, "messages", Console(file=file, width=100, markup=False, highlight=False))
    outcome._tell_outcome(record(keys))
    said = [line.rstrip() for line in file.getvalue().splitlines()]
    assert len(said) == lines
    assert max(map(len, said)) <= 100
    text = "\n".join(said)
    assert text.count("0.00024 [0.00021, 0.00031] (n = 6)") == 2
    for key in keys:
        assert key.replace("_", " ") in text
