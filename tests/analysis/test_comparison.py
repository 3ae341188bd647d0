"""Runs compared on a page: results with ratios, the settings that differ, and the history."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from analysis.called import distinct, names
from analysis.comparison import page
from analysis.load import Run, load_run
from analysis.plots import compared, style
from analysis.tables import compare_table
from studies import records


def rows(text: str, title: str) -> list[list[str]]:
    """The cells of a table's rows, its head first."""
    table = re.search(rf"<h2>{title}</h2>.*?<table[^>]*>(.*?)</table>", text, re.DOTALL)
    assert table is not None, title
    found = re.findall(r"<tr>(.*?)</tr>", table[1], re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in found]


def test_a_page_has_results_settings_and_history(
    run: Callable[[str], Run], copied: Callable[[str], Path]
) -> None:
    later = copied("search")
    study = records.read_study(later)
    study.run, study.started, study.commit = "later", "2027-01-01T00:00:00+00:00", "f" * 40
    records.write_study(later, study)
    text = page([load_run(later), run("search")])
    head, *results = rows(text, "What each came to")
    assert len(results) == 4
    ratio = next(place for place, name in enumerate(head) if name.startswith("ratio"))
    assert [row[ratio] != "–" for row in results] == [row[0].endswith(": winner") for row in results]
    settings = rows(text, "Settings that are not the same everywhere")
    assert len(settings[0]) == 5
    assert all(len(set(row[1:])) > 1 for row in settings[1:])
    assert any(row[0].startswith("learning rate") for row in settings)
    history = rows(text, "Runs, the first one first")
    assert [row[0].endswith("later") for row in history[1:]] == [False, True]
    assert history[2][4] == 12 * "f"
    assert text.count('class="verdict"') == 2
    assert "<script" not in text
    assert 'alt="' in text


def test_runs_of_one_name_are_told_apart_by_their_folders(
    run: Callable[[str], Run], copied: Callable[[str], Path]
) -> None:
    first, second = run("search"), load_run(copied("search"))
    called = names([first, second, run("batch-size")])
    assert len({*called.values()}) == 3
    assert all(str(each.folder).endswith(called[str(each.folder)]) for each in (first, second))
    assert distinct([first, second, load_run(first.folder / ".." / first.folder.name)]) == [first, second]


def test_a_setting_that_an_older_program_did_not_have_is_told_from_one_of_another_problem(
    run: Callable[[str], Run], copied: Callable[[str], Path]
) -> None:
    older = load_run(copied("search"))
    gone = [name for name in older.trials if name == "config/learning_rate"]
    trials = older.trials.drop(columns=gone).assign(**{"config/problem.speed": 2.0})
    text = page([run("search"), Run(older.folder, older.study, trials)])
    cells = {row[0]: row[1:] for row in rows(text, "Settings that are not the same everywhere")}
    rate = next(values for name, values in cells.items() if name.startswith("learning rate"))
    assert rate[2:] == ["not in its version"] * 2
    speed = next(values for name, values in cells.items() if "speed" in name)
    assert speed == ["–", "–", "2", "2"]


def test_the_figure_has_a_dot_for_each_setting_that_is_known(run: Callable[[str], Run]) -> None:
    table = compare_table([run("batch-size")])
    with style.styled():
        made = compared.errors([str(name) for name in table["setting"]], table, "MAE")
    assert made is not None
    (axis,) = made.axes
    assert len(axis.lines[0].get_xdata()) == len(table)  # type: ignore[arg-type]
    finding, _ = style.explained(made)
    best = table.loc[table["score"].idxmin(), "setting"]
    assert finding.startswith(f"{best} has the lowest median MAE")
