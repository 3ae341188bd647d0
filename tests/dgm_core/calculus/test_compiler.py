"""Without a C compiler the same trainings go on, by other ways to the same numbers."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys

import pytest
import torch

from dgm_core import Setup, TrainConfig, Trainer, load_problem
from dgm_core.calculus import compiler
from dgm_core.calculus.jets.kernels import build
from dgm_core.calculus.jets.kernels.functions import FUNCTIONS
from dgm_core.calculus.jets.kernels.program import Compose, Load
from dgm_core.calculus.jets.kernels.source import Units
from dgm_core.calculus.jets.kernels.writer import program_source
from dgm_core.calculus.jets.streams import Streams

PROGRAM = """
from tests.dgm_core.calculus.test_compiler import trained
import torch, sys
torch.save([trained(name) for name in ("heat", "poisson-nd")], sys.argv[1])
"""


def trained(name: str) -> tuple[str | None, torch.Tensor]:
    problem = load_problem(name, {"dimensions": 15} if name == "poisson-nd" else {})
    config = TrainConfig.create({"width": 6, "depth": 2, "batch_size": 7, "iterations": 20})
    trainer = Trainer(Setup(problem, config), [1, 2])
    trainer.advance(20)
    return compiler(), trainer.curves.losses


@pytest.mark.skipif(compiler() is None, reason="needs a C compiler to compare with")
@pytest.mark.parametrize("without", [{"DGM_KERNELS": "off"}, {"PATH": "", "CC": "no-such-compiler"}])
def test_trainings_without_a_compiler_agree(without, tmp_path):
    environment = {**os.environ, **without}
    subprocess.run([sys.executable, "-c", PROGRAM, tmp_path / "losses.pt"], env=environment, check=True)
    found = torch.load(tmp_path / "losses.pt")
    for name, (said, losses) in zip(("heat", "poisson-nd"), found, strict=True):
        assert said is None
        assert torch.allclose(losses, trained(name)[1], rtol=1e-4, atol=1e-7)


@pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
def test_kernels_are_built_again_where_they_are_gone_and_give_the_same_bits(tmp_path):
    program = PROGRAM + "\n"
    for name in ("one", "two"):
        environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / name)}
        subprocess.run([sys.executable, "-c", program, tmp_path / f"{name}.pt"], env=environment, check=True)
    one, two = (torch.load(tmp_path / f"{name}.pt") for name in ("one", "two"))
    assert list((tmp_path / "one").rglob("*.so"))
    assert all(torch.equal(a[1], b[1]) for a, b in zip(one, two, strict=True))


@pytest.mark.skipif(compiler() is None or shutil.which("nm") is None, reason="needs a C compiler and nm")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the names are those of x86")
@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize(
    ("function", "calls"),
    [
        ("tanh", {"tanh"}),
        ("sigmoid", {"exp"}),
        ("silu", {"exp"}),
        ("sin", {"sin", "cos"}),
        ("cos", {"sin", "cos"}),
    ],
)
def test_elementary_functions_are_computed_for_many_numbers_at_once(function, calls, double):
    program = (Load(True), Compose(FUNCTIONS[function], 0))
    source = program_source(program, Streams.of([(0, 0)]), double, Units.of(16))
    said = subprocess.run(
        ["nm", "-D", "--undefined-only", build.library(source)._name],
        capture_output=True,
        text=True,
        check=True,
    )
    symbols = [line.split()[-1].partition("@")[0] for line in said.stdout.splitlines()]
    many = {name.rpartition("_")[2] for name in symbols if name.startswith("_ZGV")}
    assert many == {name if double else f"{name}f" for name in calls}
