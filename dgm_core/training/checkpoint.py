"""Checkpoints on disk: written whole or not at all, and read without running code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

FILE_NAME = "checkpoint.pt"


def save(state: dict[str, Any], folder: str | Path) -> Path:
    """Writes a trainer's state into `folder`, replacing an older one in one step."""
    path = Path(folder) / FILE_NAME
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)
    return path


def load(folder: str | Path) -> dict[str, Any]:
    """The state that `save` wrote into `folder`."""
    return torch.load(Path(folder) / FILE_NAME, weights_only=True)
