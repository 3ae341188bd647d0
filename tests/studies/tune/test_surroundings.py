"""Where Ray keeps its files and its token, by the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studies.errors import StudyError
from studies.tune import surroundings
from studies.tune.surroundings import ray_folder, ray_token

NOWHERE = "/dev/null/nowhere"


def test_a_folder_that_will_do_is_left_to_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ray_folder({}) == (None, None)
    assert ray_folder({"TMPDIR": "/tmp"}) == (None, None)
    assert ray_folder({"TMPDIR": "/" + 90 * "x", "RAY_TMPDIR": "/tmp"}) == (None, None)


@pytest.mark.parametrize("name", ["TMPDIR", "RAY_TMPDIR"])
def test_a_folder_that_is_too_long_or_cannot_be_made_is_replaced_and_named(name: str) -> None:
    for folder, why in ((f"/tmp/{90 * 'x'}", "has 95 bytes"), (NOWHERE, "cannot be written")):
        found, said = ray_folder({name: folder})
        assert found is not None
        assert os.access(found, os.W_OK)
        assert said is not None
        assert said.startswith(f"Ray's files are in {found}/ray: {name} ({folder}) {why}")


def test_where_no_folder_will_do_that_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "_SHORT", (NOWHERE,))
    monkeypatch.setattr(surroundings.tempfile, "gettempdir", lambda: NOWHERE)
    with pytest.raises(
        StudyError, match=r"no folder for its sockets: TMPDIR .* Set RAY_TMPDIR to a short one"
    ):
        ray_folder({"TMPDIR": NOWHERE})


def test_a_token_is_made_only_where_ray_has_none_and_can_write_none(tmp_path: Path) -> None:
    assert ray_token({"HOME": str(tmp_path)}) is None
    assert ray_token({"HOME": NOWHERE, "RAY_AUTH_TOKEN": "given"}) is None
    assert ray_token({"HOME": NOWHERE, "RAY_AUTH_TOKEN_PATH": "/there"}) is None
    for environment in ({"HOME": NOWHERE}, {}):
        made = ray_token(environment)
        assert made is not None
        assert len(made) == 64
