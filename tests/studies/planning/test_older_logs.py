"""A search that an older version of this program began is gone on with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from studies.planning.course import Course
from studies.planning.plans import SearchPlan
from studies.records import read_study
from studies.records.events import Suggested
from studies.records.log import LOG, Log, read_log
from studies.study import Search
from studies.study.serial import from_dict

OLD = Path(__file__).parents[2] / "data" / "schema-2"


@pytest.mark.parametrize("lines", [3, 12, 19, None])
def test_a_log_of_schema_2_is_replayed(tmp_path: Path, lines: int | None) -> None:
    """Its baseline is called reference, in the names of trials too."""
    shutil.copytree(OLD, tmp_path / "run")
    whole = (OLD / LOG).read_text().splitlines(keepends=True)
    (tmp_path / "run" / LOG).write_text("".join(whole[:lines]))
    record, events = read_study(OLD), read_log(tmp_path / "run")
    study = from_dict(record.definition)
    assert isinstance(study, Search)
    assert study.baseline is not None
    known = {event.trial: event.changes for event in events if isinstance(event, Suggested)}
    with Log(tmp_path / "run") as log:
        course = Course(SearchPlan(study, record.seed, known), log, events)
        assert course.done == (lines is None)
        assert (course.next(2) is None) == (lines is None)
