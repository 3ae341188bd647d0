"""A narrow terminal costs telemetry first; no name is wrapped within a word or cut."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from studies.records.terminal import Column, table

TELEMETRY = ("it/s", "MiB", "eval.")
KEYS = ("batch size", "learning rate", "depth", "input scaling")
COLUMNS = [
    Column("trial", ["001", "002"]),
    Column("state", ["running", "completed"]),
    Column("iterations", ["1,000 / 12,000", "900 / 900"], right=True),
    Column("MAE", ["1.23e-04", "1.2e-03"], right=True),
    *(
        Column(title, ["123", "4"], right=True, spare=n)
        for n, title in enumerate(("it/s", "MiB", "eval."), 1)
    ),
    *(Column(key, ["0.00123", "12"], right=True) for key in KEYS),
]


def printed(columns: list[Column], width: int) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width).print(table(columns, width))
    return file.getvalue().splitlines()


@pytest.mark.parametrize(
    ("width", "spared", "lines"),
    [(120, [], 3), (107, ["eval."], 3), (98, ["eval.", "MiB", "it/s"], 3), (82, ["eval.", "MiB", "it/s"], 4)],
)
def test_telemetry_goes_first_and_names_stay_whole(width: int, spared: list[str], lines: int) -> None:
    said = printed(COLUMNS, width)
    text = "\n".join(said)
    assert len(said) == lines
    assert max(map(len, said)) <= width
    assert {title for title in TELEMETRY if title not in text} == set(spared)
    for word in (word for key in KEYS for word in key.split()):
        assert word in text
    assert "…" not in text
    assert text.count("0.00123") == len(KEYS)


def test_columns_that_fit_no_more_are_counted() -> None:
    said = printed(COLUMNS, 60)
    assert max(map(len, said)) <= 60
    assert said[-1].strip() == "3 columns more would fit a wider terminal."
    assert "batch" in said[0]
    assert "scaling" not in "\n".join(said)
