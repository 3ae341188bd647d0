"""Checkpoints on disk: written whole or not at all, and read without running code."""

from __future__ import annotations

import io
import os
import zipfile
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
    state: dict[str, Any] = read((Path(folder) / FILE_NAME).read_bytes())
    return state


def read(content: bytes, device: str | None = None) -> Any:
    """What `torch.save` wrote, on its own devices or on another, without running code in it.

    Raises ValueError where it is damaged: a wrong bit too, which torch itself does not notice.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            damaged = archive.testzip()
        if damaged is None:
            return torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    except Exception as error:  # whatever it is that zipfile or torch stumble over
        raise ValueError(f"not a file of saved tensors: {error}") from None
    raise ValueError(f"the checksum of {damaged} is wrong")
