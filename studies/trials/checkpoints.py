"""Checkpoints of a run's trials: one file each, replaced whole, stored before anyone hears of it."""

from __future__ import annotations

import io
import logging
from typing import Any

import torch

from dgm_core import Trainer
from dgm_core.training import checkpoint
from studies.records.schema import CHECKPOINTS
from studies.records.storage import Store, StoreError

_logger = logging.getLogger(__name__)


def checkpoint_key(trial: str) -> str:
    """Where a trial's checkpoint is in a run's store; `trial` as `Trial.folder`."""
    return f"{CHECKPOINTS}/{trial}/checkpoint.pt"


def snapshot_folder(trial: str, iteration: int) -> str:
    """Where a trial of a population leaves its state at an iteration, for others to go on from."""
    return f"{trial}-at-{iteration}"


def save_checkpoint(trainer: Trainer, store: Store, trial: str) -> None:
    """Writes a trainer's state.  Raises OSError or StoreError, with the one before still whole."""
    content = io.BytesIO()  # so that a full disk is an OSError, and not one of torch's own
    torch.save(trainer.state(), content)
    store.write(checkpoint_key(trial), content.getbuffer())


def load_checkpoint(store: Store, trial: str) -> dict[str, Any] | None:
    """The state last saved; None where there is none that can be read, and training begins anew.

    No code in the file is run.  Raises StoreError where a store does not answer.
    """
    try:
        content = store.read(checkpoint_key(trial))
        if content is None:
            return None
        state = checkpoint.read(content)
    except StoreError:
        raise  # it may be there, and is not to be trained again because a network was down
    except (OSError, ValueError):
        state = None
    if isinstance(state, dict):
        return state
    _logger.warning("%s is damaged: that training begins anew.", f"{store}/{checkpoint_key(trial)}")
    return None


def drop_checkpoint(store: Store, trial: str) -> None:
    """Removes a trial's checkpoint."""
    store.remove(f"{CHECKPOINTS}/{trial}")
