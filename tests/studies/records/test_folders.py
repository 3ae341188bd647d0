"""The names of run folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from dgm_core import ConfigurationError
from studies.records.folders import make_folder


def test_runs_that_begin_in_one_second_have_names_of_their_own(tmp_path: Path) -> None:
    names = [make_folder(tmp_path, "study").name for _ in range(30)]
    assert len(set(names)) == 30


def test_a_named_run_is_not_made_twice(tmp_path: Path) -> None:
    make_folder(tmp_path, "study", "one")
    with pytest.raises(ConfigurationError, match="choose another --name"):
        make_folder(tmp_path, "study", "one")


@pytest.mark.parametrize("name", ["", " ", "..", "a/b", "a\\b", "a\nb", "a\x1bb"])
def test_a_name_is_a_plain_folder_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="plain folder name"):
        make_folder(tmp_path, "study", name)
