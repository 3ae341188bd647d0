"""How a process that trains is set up: its thread, its small numbers and its memory."""

from __future__ import annotations

import ctypes
import sys

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

    One thread: the tensors are small, and trials share the cores.  Subnormal numbers, in which
    losses near zero end, count as zero: arithmetic with them is many times slower.  Freed memory is
    kept, where the C library is glibc.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    _keep_memory()


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
