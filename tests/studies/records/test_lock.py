"""One process at a time holds a run, and is named to the others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from studies.records.lock import LOCK, HeldError, held, holder, owner

HOLDS = """
import sys, time
from pathlib import Path
from studies.records.lock import held
with held(Path(sys.argv[1]), "dgm run heat-search"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_process_is_refused_with_the_first_ones_name_until_that_is_gone(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "held"
        found = holder(tmp_path)
        assert found is not None
        assert found.process == process.pid
        with (
            pytest.raises(HeldError, match=rf"process {process.pid} on .* \(dgm run heat-search\)"),
            held(tmp_path, "dgm resume"),
        ):
            pass
        process.kill()
        process.wait()
    assert holder(tmp_path) is None
    last = owner(tmp_path)
    assert last is not None
    assert last.process == process.pid
    with held(tmp_path, "dgm resume"):
        pass


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"[]", b'{"process": "x"}'])
def test_a_damaged_lock_file_harms_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / LOCK).write_bytes(content)
    assert owner(tmp_path) is None
    assert holder(tmp_path) is None
    with held(tmp_path, "dgm resume"):
        assert owner(tmp_path) is not None
