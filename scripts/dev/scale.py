"""`scripts/scale`: whether a search of many trivial trials keeps its rate, and its memory and disk."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import pandas as pd
import psutil
import typer

from analysis.tables import markdown
from dgm_cli.common import at_least, messages

PARTS = 10
"""Of the search, each measured by itself."""
_STUDY = """
from optuna.distributions import FloatDistribution, IntDistribution

from dgm_core import Setup, load_problem
from studies.study import Search

STUDY = Search(
    name="many",
    base=Setup.named(load_problem("exponential-decay"), "paper").changed({{"iterations": 40}}),
    space={{
        "learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
        "batch_size": IntDistribution(8, 64),
        "iterations": IntDistribution(20, 60),
    }},
    trials={trials},
    replicates=1,
    grace_period=10,
)
"""


@dataclass(frozen=True)
class _Sample:
    trials: int
    seconds: float
    megabytes: float
    folder: float


def scale(
    trials: Annotated[int, typer.Option(help="Of the search.")] = 2_000,
    workers: Annotated[int | None, typer.Option(help="Processor cores; by default all.")] = None,
) -> int:
    """Run a search of many trivial trials and tell what a tenth of it costs, from the first to the last."""
    at_least("trials", trials, PARTS)
    with tempfile.TemporaryDirectory(prefix="dgm-scale-") as temporary:
        folder = Path(temporary)
        (folder / "many.py").write_text(_STUDY.format(trials=trials))
        run = folder / "results" / "many" / "run"
        cores = [] if workers is None else ["--cores", str(workers)]
        samples = list(
            _followed(
                ["run", str(folder / "many.py"), "--out", str(run.parents[1]), "--name", "run", *cores],
                run,
                trials,
            )
        )
        messages.print(markdown(_table(samples)), soft_wrap=True)
        begun = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "dgm_cli.main", "report", str(run)], check=True, capture_output=True
        )
        messages.print(f"`dgm report` on it: {time.monotonic() - begun:.1f} s")
    return 0


def _followed(arguments: list[str], run: Path, trials: int) -> Iterator[_Sample]:
    """A sample at the first end of a trial, and whenever another tenth of them has ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dgm_cli.main", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    driver, begun, due = psutil.Process(process.pid), time.monotonic(), 1
    log = run / "log.jsonl"
    while process.poll() is None:
        time.sleep(0.2)
        ended = log.read_bytes().count(b'"event":"ended"') if log.exists() else 0
        if ended >= due and due <= trials:
            memory, size = driver.memory_info().rss / 2**20, _bytes(run) / 2**20
            yield _Sample(ended, time.monotonic() - begun, memory, size)
            due = max(ended + 1, ended // (trials // PARTS) * (trials // PARTS) + trials // PARTS)
    if process.returncode:
        raise SystemExit(f"the search ended with exit code {process.returncode}")


def _bytes(folder: Path) -> int:
    """Of the files in a folder in which others write and remove meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += (Path(place) / name).stat().st_size
    return total


def _table(samples: list[_Sample]) -> pd.DataFrame:
    rows = [
        {
            "trials ended": after.trials,
            "trials a minute": 60.0 * (after.trials - before.trials) / (after.seconds - before.seconds),
            "memory of the process (MB)": after.megabytes,
            "run folder (MB)": after.folder,
        }
        for before, after in pairwise(samples)
    ]
    return pd.DataFrame(rows).round(1)


if __name__ == "__main__":
    typer.run(scale)
