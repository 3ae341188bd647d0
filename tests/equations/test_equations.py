"""Equations in their users' units are accepted, and brought near one; `scripts/equations` trains them."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import pytest
import torch

from dgm_core import Setup, Trainer
from dgm_core.formulation import Problem

FILES = sorted(path for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("test_"))


def made(path: Path) -> Problem:
    spec = importlib.util.spec_from_file_location(f"equation_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (kind,) = [
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Problem) and one.__module__ == module.__name__
    ]
    return kind.create({})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_untrained_loss_is_near_one_in_any_units(path: Path) -> None:
    torch.set_num_threads(1)
    setup = Setup.named(made(path), "default").changed({"windows": 1, "term_scaling": "unit"})
    trainer = Trainer(setup, [1])
    trainer.advance(1)
    loss = float(trainer.curves.losses[0, 0, 0])
    assert math.isfinite(loss)
    assert 1e-4 < loss < 1e4
