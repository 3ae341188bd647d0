"""Numbers agree with their nouns and verbs wherever they are said."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

import dgm_core.errors
from analysis import answer, doubts
from analysis.statistics import Interval
from analysis.verdict import against
from studies.records import words
from studies.study import Resources

ROOT = Path(__file__).resolve().parents[3]
PLURAL = re.compile(
    r" (?:[a-z]+ )?(?:trials(?! a minute)|seeds|replicates|arms|cores|iterations(?!/s)|files|trainings|looks"
    r"|stops|checks|studies|nodes|columns|rows|inputs|outputs|parameters|comparisons|windows|residuals)\b"
)
STATED = (" on seeds", " diverged seeds")
"""What is no number: "the median MAE on seeds that …"."""
DISAGREEING = re.compile(
    r"\b1 [a-z]+s\b(?! of)|\b1 of them are|\b(?:0|[2-9]) [a-z]+(?<!s) (?:is|was|are|were)\b"
)


def test_a_number_agrees_with_its_noun_and_its_verb() -> None:
    assert [words.count(n, "trial") for n in (0, 1, 2, 1200)] == [
        "no trial",
        "1 trial",
        "2 trials",
        "1,200 trials",
    ]
    assert [words.counted(n, "search", "searches") for n in (0, 1, 2)] == [
        "0 searches",
        "1 search",
        "2 searches",
    ]
    assert [f"{words.count(n, 'seed')} {words.agree(n, 'is', 'are')}" for n in (0, 1, 2)] == [
        "no seed is",
        "1 seed is",
        "2 seeds are",
    ]
    for number in (0, 1, 2, 1200):
        assert dgm_core.errors.counted(number, "seed") == words.counted(number, "seed")
    assert [words.share(n, n, "arm") for n in (0, 1, 2)] == ["0 of 0 arms", "1 of 1 arm", "2 of 2 arms"]
    assert [words.counted_between(1, n, "seed") for n in (1, 2)] == ["1 seed", "1 to 2 seeds"]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_sentences_agree_with_none_one_and_two(n: int) -> None:
    nothing = Interval(float("nan"), float("nan"), float("nan"))
    row = {"n": n, "diverged": n, "failed": n, "interrupted": n, "degenerate": n, "blown_up": n, "rho": 0.5}
    tables = {
        "correlation": pd.DataFrame([row | {"scope": "all replicates", "rho_low": 0.1, "rho_high": 0.9}])
    }
    said = [
        *doubts.few_seeds({"winner": n}, "setting"),
        *doubts.lost_seeds("winner", row),
        *answer._loss_and_error(type("Run", (), {"noun": "error"})(), tables),  # type: ignore[arg-type]
        against(nothing, float("nan"), n),
        against(nothing, float("nan"), n, base_lost=True),
        str(Resources(cpus=n or 0.5, gpus=n)),
        words.rungs({10: (n, n)}),
    ]
    assert said[0] == f"winner: {['no seed', '1 seed', '2 seeds'][n]}, too few for an interval to be trusted."
    for sentence in said:
        assert not DISAGREEING.search(sentence), sentence


def _hand_made(path: Path) -> list[str]:
    """Plurals that are written behind a number, whatever it is."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        parts = node.values if isinstance(node, ast.JoinedStr) else []
        for before, after in pairwise(parts):
            if isinstance(before, ast.FormattedValue) and isinstance(after, ast.Constant):
                said = str(after.value)
                if PLURAL.match(said) and not said.startswith(STATED):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {{…}}{said[:40]}")
    return found


def test_no_plural_is_written_behind_a_number_by_hand() -> None:
    """`counted` does it: "1 trials" cannot be said where nothing says "{n} trials"."""
    rooms = ("studies", "analysis", "dgm_core", "scripts/dgm_cli")
    found = [line for room in rooms for path in (ROOT / room).rglob("*.py") for line in _hand_made(path)]
    assert not found, "\n".join(found)


def test_a_range_is_from_a_to_b_and_brackets_are_intervals() -> None:
    assert words.reach("1", "3") == "from 1 to 3"
    rooms = ("studies", "analysis", "scripts/dgm_cli")
    texts = {path: path.read_text() for room in rooms for path in (ROOT / room).rglob("*.py")}
    assert not [path for path, text in texts.items() if re.search(r"\} … \{", text)]
