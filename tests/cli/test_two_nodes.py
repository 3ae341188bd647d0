"""A problem, a network and a study of one's own on two Ray nodes that do not have their folder."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from dgm_cli.cluster.nodes import SCRIPTS, LocalCluster

WHERE = """
import os
import time
from pathlib import Path

import psutil

LOG = Path({log!r})

def told(file):
    '''Who has imported a file, and from where.'''
    with LOG.open("a") as log:
        log.write(f"{{os.getpid()}} {{os.getppid()}} {{file}}\\n")

def meet():
    '''Keeps a worker until one of the other node has come as far: one alone could train all.'''
    own, until = os.getppid(), time.monotonic() + 600
    while psutil.Process(own).name() == "raylet" and time.monotonic() < until:
        parents = {{int(line.split(" ")[1]) for line in LOG.read_text().splitlines()}} - {{own}}
        if any(psutil.pid_exists(pid) and psutil.Process(pid).name() == "raylet" for pid in parents):
            break
        time.sleep(0.05)
"""
PROBLEM = """
from pathlib import Path
import where_of_mine
from dgm_core.formulation import Box, Dirichlet, Problem

where_of_mine.told(__file__)
where_of_mine.meet()
HEIGHT = float(Path("height of mine.txt").read_text())

class OwnParabola(Problem):
    domain = Box(x=(0.0, 1.0))

    def equation(self, y):
        return y.d("x", "x") + 2.0 * HEIGHT

    @property
    def conditions(self):
        return {"ends": (self.domain.boundary, Dirichlet())}

    def reference(self, x):
        return HEIGHT * (x - x**2)
"""
NETWORK = """
import where_of_mine
from dgm_core.networks.mlp import MLP

where_of_mine.told(__file__)

class OwnNet(MLP):
    pass
"""
STUDY = """
from optuna.distributions import IntDistribution
from dgm_core import Setup
from own_parabola import OwnParabola
from studies import Search

STUDY = Search(
    name="own-study",
    base=Setup.named(OwnParabola(), "plain").changed({"iterations": 300, "network": "own-net", "width": 8}),
    space={"batch_size": IntDistribution(8, 32)},
    trials=4, startup_trials=2, replicates=1, confirmations=2, grace_period=100,
)
"""


def dgm(cluster: LocalCluster, folder: Path, *line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPTS / "dgm", *line], env=cluster.environment, cwd=folder, capture_output=True, text=True
    )


@pytest.mark.ray
@pytest.mark.cluster
def test_a_folder_of_one_s_own_on_two_nodes(tmp_path: Path) -> None:
    folder, moved, log = tmp_path / "ein Ordner für mich", tmp_path / "moved", tmp_path / "imports.log"
    folder.mkdir()
    (folder / "where_of_mine.py").write_text(WHERE.format(log=str(log)))
    (folder / "own_parabola.py").write_text(PROBLEM)
    (folder / "own_net.py").write_text(NETWORK)
    (folder / "own_study.py").write_text(STUDY)
    (folder / "height of mine.txt").write_text("0.5")
    run = tmp_path / "results/own-study/a"
    with LocalCluster() as cluster:
        cluster.start(2)
        files = [str(folder / "own_study.py"), "--with", str(folder / "own_net.py")]
        line = ["run", *files, "--address", cluster.address, "--name", "a", "--json"]
        driver = subprocess.Popen(
            [SCRIPTS / "dgm", *line],
            env=cluster.environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while not (run / "study.json").exists() and driver.poll() is None:
            time.sleep(0.1)
        folder.rename(moved)  # before any worker has begun
        output, errors = driver.communicate()
        assert driver.returncode == 0, errors
        outcome = json.loads(output.splitlines()[-1])
        assert (outcome["state"], outcome["trials"], outcome["failed"]) == ("finished", 4, 0), errors
        assert set(pd.read_parquet(run / "trials.parquet")["config/network"]) == {"own-net"}

        imports = [line.split(" ", 2) for line in log.read_text().splitlines()]
        by_workers = [(parent, file) for pid, parent, file in imports if int(pid) != driver.pid]
        nodes = [process for node in cluster.nodes for process in node.processes]
        raylets = {process.pid for process in nodes if process.name() == "raylet"}
        assert {int(parent) for parent, _ in by_workers} == raylets
        assert not [file for _, file in by_workers if Path(file).is_relative_to(folder)]

        assert dgm(cluster, tmp_path, "report", str(run)).returncode == 0
        problem = str(moved / "own_parabola.py")
        solved = dgm(cluster, tmp_path, "solve", problem, "--iterations", "50", "--name", "b")
        assert solved.returncode == 0, solved.stderr
        runs = [str(run), str(tmp_path / "results/solve-own-parabola/b")]
        assert dgm(cluster, tmp_path, "compare", *runs, "--out", "table.csv").returncode == 0
        table = pd.read_csv(tmp_path / "table.csv")
        assert set(table["study"]) == {"own-study", "solve-own-parabola"}
        assert (table["mae"] > 0).all()

        again = dgm(cluster, tmp_path, "rerun", str(run), "--trust", "--trial", "001")
        told = " ".join(again.stderr.split())
        assert (again.returncode, "equal bit for bit" in told) == (0, True), told
        assert "own_parabola.py is gone" in told
        moved.rename(folder)
        (folder / "height of mine.txt").write_text("2.0")
        told = " ".join(dgm(cluster, tmp_path, "rerun", str(run), "--trust", "--trial", "001").stderr.split())
        assert "equal bit for bit" in told
        assert "height of mine.txt has changed" in told
        assert "own_parabola.py" not in told
