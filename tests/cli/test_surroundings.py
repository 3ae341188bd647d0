"""A study runs wherever it is put: one run in thirteen adverse surroundings, and what is left of each."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from studies.records import read_study

pytestmark = pytest.mark.ray

DEAD = "127.0.0.1:9"
"""The port of the service that discards: nothing answers there."""
NOWHERE = "/dev/null/nowhere"
"""A folder that nobody can make, the superuser included."""
OPEN_FILES = 512


@dataclass(frozen=True)
class Ran:
    """A study in adverse surroundings."""

    done: subprocess.CompletedProcess[bytes]
    run: Path
    temporary: Path

    @property
    def said(self) -> str:
        return self.done.stderr.decode()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    place = tmp_path_factory.mktemp("surroundings")
    temporary = place / ("job-" + 90 * "x")
    (place / "empty").mkdir()
    temporary.mkdir()
    adverse = {
        "TMPDIR": str(temporary),
        "HOME": NOWHERE,
        "XDG_CACHE_HOME": NOWHERE,
        "XDG_RUNTIME_DIR": NOWHERE,
        "MPLCONFIGDIR": NOWHERE,
        "MPLBACKEND": "TkAgg",
        "PATH": str(place / "empty"),
        "CC": "/bin/false",
        "RAY_ADDRESS": DEAD,
        "http_proxy": f"http://{DEAD}",
        "https_proxy": f"http://{DEAD}",
        "LC_ALL": "C",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
        "TZ": "Antarctica/Nowhere",
        "SLURM_JOB_ID": "1",
        "SLURM_NTASKS": "7",
        "OMP_NUM_THREADS": "64",
        "CUDA_VISIBLE_DEVICES": "7",
    }
    kept = {
        name: value for name, value in os.environ.items() if name not in ("LANG", "LOGNAME", "USER", "TERM")
    }
    out = place / "out"
    study = ["heat-batch-size", "--arms", "64;32", "--iterations", "40", "--replicates", "1", "--cores", "1"]
    line = [sys.executable, "-m", "dgm_cli.main", "run", *study, "--out", str(out), "--name", "one"]
    # Few open files, a strict umask, and no standard input at all.
    limits = f'ulimit -S -n {OPEN_FILES}; umask 077; exec "$@" <&-'
    done = subprocess.run(
        ["/bin/sh", "-c", limits, "sh", *line],
        env={**kept, **adverse},
        cwd="/",
        capture_output=True,
        check=False,
    )
    return Ran(done, out / "heat-batch-size" / "one", temporary)


def drawn(ran: Ran) -> bool:
    return len(list((ran.run / "figures").glob("*.png"))) > 2


SURVIVED: dict[str, Callable[[Ran], bool]] = {
    "a TMPDIR too long for a socket": lambda ran: (
        f"TMPDIR ({ran.temporary}) has" in ran.said and not list(ran.temporary.glob("ray"))
    ),
    "no home": lambda ran: not Path(NOWHERE).exists(),
    "no cache": lambda ran: read_study(ran.run).state == "finished",
    "no C compiler": lambda ran: "No C compiler was found" in ran.said,
    "a Matplotlib that would open windows, and cannot write its settings": drawn,
    "a RAY_ADDRESS at which nothing answers": lambda ran: DEAD not in ran.said,
    "proxies at which nothing answers": lambda ran: read_study(ran.run).trials_asked == 2,
    "a C locale, in which nothing but ASCII can be printed": lambda ran: "UnicodeEncodeError" not in ran.said,
    "a time zone that does not exist": lambda ran: bool(read_study(ran.run).started),
    "a batch system's variables": lambda ran: read_study(ran.run).cores == 1,
    "threads and GPUs that are not there": lambda ran: read_study(ran.run).device == "cpu",
    "no standard input, and a working folder of others": lambda ran: ran.done.stdout == b"",
    "few open files and a strict umask": lambda ran: (
        stat.S_IMODE((ran.run / "study.json").stat().st_mode) & 0o77 == 0
    ),
}


@pytest.mark.parametrize("what", SURVIVED)
def test_a_study_survives(what: str, ran: Ran) -> None:
    assert ran.done.returncode == 0, ran.said
    assert "Traceback" not in ran.said
    assert SURVIVED[what](ran)
    assert (ran.run / "report.html").is_file()
