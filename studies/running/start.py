"""Weights that a solve begins with: read from a saved field, and kept beside the run for its second time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from dgm_core import ConfigurationError, Setup, Trainer
from dgm_core.errors import counted
from dgm_core.training.model import read

START = "start/weights.pt"
"""In a run folder: the weights, in the format of a saved field."""


def setup_of(model: Path) -> tuple[Setup, int]:
    """The setup of a saved field, and how many replicates it has.  Raises ConfigurationError."""
    setup, seeds, _ = read(model)
    return setup, len(seeds)


def weights_of(model: Path, setup: Setup, seeds: Sequence[int]) -> dict[str, Tensor]:
    """The weights of a saved field, as many replicates as there are seeds, tried on the setup.

    Raises ConfigurationError where the field has fewer, or is that of another problem or network.
    """
    theirs, seeds_there, weights = read(model)
    if theirs.problem.name != setup.problem.name:
        raise ConfigurationError(
            f"{model} solves {theirs.problem.name}, so its weights cannot be used for {setup.problem.name}."
        )
    if len(seeds_there) < len(seeds):
        raise ConfigurationError(
            f"{model} has {counted(len(seeds_there), 'replicate')}: it cannot start "
            f"{counted(len(seeds), 'replicate')}."
        )
    chosen = {name: value[: len(seeds)] for name, value in weights.items()}
    try:
        Trainer(setup, seeds).start_from(chosen)
    except ConfigurationError as error:
        raise ConfigurationError(f"{model}: {error}") from None
    return chosen


def begin(trainer: Trainer, run: Path) -> None:
    """Gives a trainer that has not begun the weights that its run began with, if it had any."""
    if (run / START).is_file():
        trainer.start_from(read(run / START)[2])
