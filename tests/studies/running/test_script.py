"""What a script defines, and what it imports from beside it, is found by name: here and on workers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BESIDE = """
from dgm_core.networks.mlp import MLP

class SideNet(MLP):
    pass
"""
SCRIPT = """
import torch
from optuna.distributions import CategoricalDistribution
from dgm_core import Setup
from dgm_core.formulation import Box, Dirichlet, Problem
from dgm_core.networks.mlp import MLP
from nets_of_mine import SideNet
from studies import Search, run

class OwnNet(MLP):
    pass

class OwnWave(Problem):
    domain = Box(x=(0.0, 1.0))

    def equation(self, y):
        return y.d("x", "x") + 1.0

    @property
    def conditions(self):
        return {"ends": (self.domain.boundary, Dirichlet())}

    def reference(self, x):
        return 0.5 * x * (1 - x)

base = Setup.named(OwnWave(), "plain").changed({"iterations": 120, "width": 8})
search = Search(
    name="from-a-script", base=base, space={"network": CategoricalDistribution(["own-net", "side-net"])},
    trials=4, startup_trials=4, grace_period=50, confirmations=1, replicates=1, workers=1,
)
result = run(search, cores=1, run="a")
print(sorted(set(result.run.trials["config/network"])), *set(result.run.trials["status"]))
print(tuple(result.field()(torch.rand(1, 4, 1)).shape))
"""


@pytest.mark.ray
def test_networks_of_a_script_and_of_its_modules_reach_the_workers(tmp_path: Path) -> None:
    (tmp_path / "nets_of_mine.py").write_text(BESIDE)
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *_, told, shape = done.stdout.splitlines()
    assert "own-net" in told
    assert "side-net" in told
    assert "failed" not in told
    assert shape == "(1, 4, 1)"
    dgm = [Path(sys.executable).with_name("dgm"), "rerun", "results/from-a-script/a", "--trust"]
    again = subprocess.run(dgm, cwd=tmp_path, capture_output=True, text=True)
    assert again.returncode == 2
    assert "does not have the problem 'own-wave', which a script or a notebook defined" in " ".join(
        again.stderr.split()
    )
