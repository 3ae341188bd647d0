"""The number formats in which a training can be done."""

from __future__ import annotations

import torch

PRECISIONS: dict[str, torch.dtype] = {"float32": torch.float32, "float64": torch.float64}
