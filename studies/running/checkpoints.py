"""Checkpoints of a run's trials: one file each, replaced whole, on disk before anyone hears of it."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import torch

from dgm_core import Trainer
from dgm_core.training import checkpoint
from studies.records.files import replacing
from studies.records.schema import CHECKPOINTS

_FILE = "checkpoint.pt"


def checkpoint_folder(run: Path, trial: str) -> Path:
    """Where a trial's checkpoint is; `trial` as `Trial.folder`."""
    return run / CHECKPOINTS / trial


def save_checkpoint(trainer: Trainer, folder: Path) -> None:
    """Writes a trainer's state.  Raises OSError where it cannot; the one before is whole then."""
    folder.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()  # so that a full disk is an OSError, and not one of torch's own
    torch.save(trainer.state(), content)
    with replacing(folder / _FILE) as file:
        file.write(content.getbuffer())


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The state last saved; None where there is none that can be read, and training begins anew.

    No code in the file is run.
    """
    try:
        state = checkpoint.read((folder / _FILE).read_bytes())
    except (OSError, ValueError):
        return None
    return state if isinstance(state, dict) else None


def drop_checkpoint(folder: Path) -> None:
    """Removes a trial's checkpoint."""
    shutil.rmtree(folder, ignore_errors=True)
