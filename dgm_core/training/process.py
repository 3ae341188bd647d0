"""How a process that trains is set up: its thread and its memory; and its small numbers, while it trains."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from dgm_core.errors import ConfigurationError, unknown

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h
_MIB = 1 << 20


DEVICES = ("auto", "cpu", "cuda")


def choose_device(name: str) -> str:
    """The device that a name stands for: "auto" is a GPU where there is one.

    Raises ConfigurationError for an unknown name, and where there is no GPU to use.
    """
    if name not in DEVICES:
        raise unknown("device", name, DEVICES)
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise ConfigurationError("device 'cuda' is not available: PyTorch finds no GPU on this machine.")
    return "cuda" if there and name != "cpu" else "cpu"


def configure_process() -> None:
    """Sets this process up for training; every way to train calls it first.

    One thread: the tensors are small, and trials share the cores.  Freed memory is kept, where the C
    library is glibc.
    """
    torch.set_num_threads(1)
    _keep_memory()


@contextmanager
def flushed_subnormals() -> Iterator[None]:
    """Subnormal numbers, in which losses near zero end, count as zero: they slow arithmetic many times.

    Only while it lasts: the processor's flag holds for all code of this thread, and not all of SciPy's
    stays right under it (a k-d tree steps to the number next to zero and must find it above zero).
    """
    before = bool((np.array([5e-324]) + 0.0)[0] == 0.0)  # torch sets the flag and does not tell it
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def _keep_memory() -> None:
    """Lets malloc reuse the megabytes of one iteration for the next.

    By default glibc returns them to the system, and every iteration pays for their pages again: up
    to a third of the time of five replicates of the Fredholm equation.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    for parameter, value in (
        (_M_MMAP_THRESHOLD, 32 * _MIB),  # the largest that is allowed
        (_M_TRIM_THRESHOLD, 1024 * _MIB),
        (_M_TOP_PAD, 16 * _MIB),
    ):
        mallopt(parameter, value)
