"""A run as an appendix of a paper."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.appendix import write_appendix
from analysis.budgets import verdicts
from analysis.load import Run


@pytest.mark.parametrize("kind", ["search", "batch-size"])
def test_the_appendix_says_what_was_done_and_what_came_of_it(
    run: Callable[[str], Run], kind: str, tmp_path: Path
) -> None:
    found = run(kind)
    plain, tex, bib = (path.read_text() for path in write_appendix(found, tmp_path))
    for said in verdicts(found):
        assert said in plain
    for text in (plain, tex):
        assert "the Deep Galerkin method" in text
    assert tex.count("{") == tex.count("}")
    assert tex.count("\\begin{table}") == tex.count("\\end{table}") > 0
    assert "detorakis" in bib
    if kind == "search":
        assert "| the baseline's |" in plain
        assert "The space of the search of heat" in plain
