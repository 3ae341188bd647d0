"""A plain Ray Tune script on two nodes: its problem is the script's own, and a storage path is shared."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dgm_cli.cluster.nodes import LocalCluster

SCRIPT = """
import json
import os

import psutil
import ray
from ray import tune

from dgm_core.formulation import Box, Dirichlet, Problem
from studies import trainable


class OwnParabola(Problem):
    domain = Box(x=(0.0, 1.0))

    def equation(self, y):
        return y.d("x", "x") + 2.0

    @property
    def conditions(self):
        return {"ends": (self.domain.boundary, Dirichlet())}

    def reference(self, x):
        return x - x**2


class Parents(tune.Callback):
    seen = set()

    def on_trial_result(self, iteration, trials, trial, result, **info):
        self.seen.add(psutil.Process(result["pid"]).ppid())


ray.init(address="auto", log_to_driver=False)
results = tune.Tuner(
    trainable(OwnParabola(), report_every=200),
    param_space={
        "learning_rate": tune.grid_search([1e-3, 3e-3]), "iterations": 4000, "width": 8, "polish": "none"
    },
    tune_config=tune.TuneConfig(metric="score", mode="min"),
    run_config=tune.RunConfig(name="two", storage_path=os.getcwd(), callbacks=[Parents()], verbose=0),
).fit()
print(json.dumps({"nodes": len(Parents.seen), "scores": [result.metrics["score"] for result in results]}))
"""


@pytest.mark.ray
@pytest.mark.cluster
def test_a_plain_script_trains_on_both_nodes(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    with LocalCluster() as cluster:
        cluster.start(2)
        done = subprocess.run(
            [sys.executable, "script.py"],
            env={**cluster.environment, "RAY_ADDRESS": cluster.address},
            cwd=tmp_path, capture_output=True, text=True,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["nodes"] == 2
    assert all(0 < score < 0.1 for score in said["scores"])
    assert len(list(tmp_path.glob("two/*/checkpoint_*/*.pt"))) == 2 * 4000 // 200
