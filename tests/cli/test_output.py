"""What is printed where: texts as they are, tables to a width, places as they can be typed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.table import Table

from dgm_cli.common import Messages, output
from studies.hints import quoted

LONG = "Written: /a/very long/place/that is/not to be broken. Solve it with: dgm solve '/a/very long/place'"


def test_a_text_is_left_for_the_terminal_to_wrap_and_a_table_is_not() -> None:
    file = io.StringIO()
    console = Messages(file=file, width=40)
    console.print(LONG)
    assert file.getvalue() == LONG + "\n"
    table = Table("one", "two")
    table.add_row(LONG, LONG)
    console.print(table)
    assert max(map(len, file.getvalue().splitlines()[1:])) <= 40


@pytest.mark.parametrize(("columns", "width"), [(None, 120), ("90", 90)])
def test_what_goes_to_a_pipe_is_as_wide_as_asked(
    columns: str | None, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", columns)
    assert output().width == width


def test_a_place_is_named_as_it_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert quoted(tmp_path / "results" / "one") == "results/one"
    assert quoted(tmp_path / "my results") == "'my results'"
    assert quoted(tmp_path.parent) == str(tmp_path.parent)
