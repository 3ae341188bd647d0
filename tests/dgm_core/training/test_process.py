"""A process set up for training keeps the memory of one iteration for the next."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from dgm_core import ConfigurationError, Setup, Trainer, load_problem
from dgm_core.training import choose_device
from dgm_core.training.process import flushed_subnormals

PROBE = """
import resource
import torch
from dgm_core.training import configure_process

configure_process()
for _ in range(3):
    torch.ones(4_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(4_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(torch.get_num_threads())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the setting is glibc's")
def test_freed_memory_is_used_again_on_one_thread():
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    faults, threads = done.stdout.split()
    # 16 MB are 4 096 pages; without the setting every one of the twenty tensors faults all of them.
    assert int(faults) < 2_000
    assert int(threads) == 1


def halved() -> float:
    """A subnormal number of single precision, or 0 where they are flushed."""
    return float(torch.tensor(1.2e-38) * 0.5)


def test_subnormal_numbers_are_zero_while_a_training_steps_and_only_then(monkeypatch):
    setup = Setup.named(load_problem("heat")).changed({"iterations": 2, "batch_size": 4})
    trainer, seen = Trainer(setup, [1]), []
    step = trainer._step

    def watched() -> None:
        seen.append(halved())
        step()

    monkeypatch.setattr(trainer, "_step", watched)
    trainer.advance(2)
    assert seen == [0.0, 0.0]
    assert halved() > 0.0
    assert np.nextafter(0.0, 1.0) > 0.0, "SciPy's trees rely on it"


def test_a_process_that_flushes_them_already_goes_on_to():
    torch.set_flush_denormal(True)
    try:
        with flushed_subnormals():
            assert halved() == 0.0
        assert halved() == 0.0
    finally:
        torch.set_flush_denormal(False)
    assert halved() > 0.0


TRAINS = """
import sys
from dgm_core import Setup, Trainer, load_problem

changes = {"iterations": 5, "batch_size": 4, "polish_iterations": 2, "polish_points": 8, "sampler": "sobol"}
for optimizer in ("adam", "adamw", "sgd"):
    trainer = Trainer(Setup.named(load_problem("heat")).changed({**changes, "optimizer": optimizer}), [1, 2])
    trainer.advance(5)
    trainer.restore(trainer.state())
    trainer.result()
print(*[name for name in ("torch._dynamo", "sympy", "scipy.stats", "pandas") if name in sys.modules])
"""


def test_a_training_imports_nothing_that_takes_longer_than_it():
    done = subprocess.run([sys.executable, "-c", TRAINS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_auto_is_a_gpu_where_there_is_one(monkeypatch):
    for there, name in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert choose_device("auto") == name
        assert choose_device("cpu") == "cpu"


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigurationError, match="'cuda' is not available"):
        choose_device("cuda")
    with pytest.raises(ConfigurationError, match="must be one of auto, cpu, cuda"):
        choose_device("tpu")
