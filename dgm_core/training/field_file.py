"""How a trained field lies on disk: plain data, without code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from dgm_core.training.setup import Setup

FORMAT = "dgm-field-1"


def write(
    setup: Setup, seeds: Sequence[int], weights: Mapping[str, Tensor], path: str | Path | IO[bytes]
) -> None:
    """Writes a field from its parts, in the format of `save_model`."""
    content = {
        "format": FORMAT,
        "setup": setup.to_dict(),
        "seeds": list(seeds),
        "weights": dict(weights),
    }
    torch.save(content, path)
