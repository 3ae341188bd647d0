"""A run folder's record, or one sentence that says why there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from dgm_core.errors import ConfigurationError
from studies.records import STUDY
from studies.records.opening import open_run


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '"run"'])
def test_a_record_that_is_no_object_is_said_to_be_damaged(text: str, tmp_path: Path) -> None:
    (tmp_path / STUDY).write_text(text)
    with pytest.raises(ConfigurationError, match=r"damaged: it is not a JSON object of a study\.$"):
        open_run(tmp_path)
