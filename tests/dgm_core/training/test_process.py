"""A process set up for training keeps the memory of one iteration for the next."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
print(float(torch.tensor(1e-39) * 0.5))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the setting is glibc's")
def test_freed_memory_is_used_again_on_one_thread_without_subnormal_numbers():
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    faults, threads, subnormal = done.stdout.split()
    # 16 MB are 4 096 pages; without the setting every one of the twenty tensors faults all of them.
    assert int(faults) < 2_000
    assert int(threads) == 1
    assert float(subnormal) == 0.0
