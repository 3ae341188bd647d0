"""Named random streams: one seed, and no generator shared by two purposes."""

from __future__ import annotations

import hashlib

import torch


def stream(seed: int, *names: str | int) -> torch.Generator:
    """A CPU generator that depends on `seed` and the path of `names` alone.

    Streams of different names are independent, so drawing more initial weights (a deeper network)
    leaves the training points as they were.
    """
    path = "/".join(str(part) for part in (seed, *names))
    digest = hashlib.sha256(path.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little"))
