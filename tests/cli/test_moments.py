"""`scripts/moments` meets a study in every stage of its life, and often enough."""

from __future__ import annotations

import signal
from itertools import pairwise

import pytest

from dev.moments import OVER, PAGE, REPORT, STAGES, Moment, between_marks, next_moment, table

ENDS = dict(zip(STAGES, (5.0, 9.0, 18.0, 21.0, 22.0, 24.0), strict=True))
"""Seconds at which a study's stages end."""


def stage(after: float) -> str:
    return next((name for name, end in ENDS.items() if after < end), OVER)


def moment(after: float) -> Moment:
    over = stage(after) == OVER
    said = () if over else ("dgm: interrupted; …",)
    code = 0 if over else 130
    return Moment(after, signal.SIGINT, stage(after), 0.5, code, said, 0, None if over else True)


@pytest.mark.parametrize("span", [24.0, 43.0])
def test_forty_moments_meet_the_running_study_however_long_the_undisturbed_one_took(span: float) -> None:
    tried: list[Moment] = []
    while (after := next_moment(tried, span, 40)) is not None:
        assert after not in {each.after for each in tried}
        tried.append(moment(after))
    met = [each for each in tried if each.stage != OVER]
    assert 40 <= len(met) <= 50
    assert len(tried) - len(met) < 6, "few come too late"
    counts = {name: sum(each.stage == name for each in met) for name in STAGES}
    assert min(counts.values()) >= 4, counts
    times = sorted(each.after for each in met)
    assert max(later - earlier for earlier, later in pairwise(times)) < 1.5


def test_the_table_of_the_page_is_replaced_and_nothing_else() -> None:
    text = table([moment(2.0), moment(0.1), moment(23.0), moment(30.0)], 24.0)
    assert [line.split(" | ")[0] for line in text.splitlines()[2:6]] == [
        "| 0.10",
        "| 2.00",
        "| 23.00",
        "| 30.00",
    ]
    assert "3 of the 3 moments at which the study still ran (2 in imports, 1 in the report)" in text
    page = PAGE.read_text()
    new = between_marks(page, text)
    assert text in new
    assert between_marks(new, "x") == between_marks(page, "x")
    assert new.startswith(page[: page.index("<!-- moments -->")])
    assert new.endswith(page[page.index("<!-- /moments -->") :])
    assert REPORT in text
