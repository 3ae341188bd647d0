"""A trained field on disk, read without running code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.training import checkpoint
from dgm_core.training.field import TrainedField
from dgm_core.training.field_file import FORMAT, write
from dgm_core.training.result import TrainResult
from dgm_core.training.setup import Setup
from dgm_core.training.solution import Solution


def save_model(result: TrainResult, path: str | Path | IO[bytes]) -> None:
    """Writes setup, seeds and weights, for `load_field` or `torch.load(path, weights_only=True)`."""
    write(result.setup, result.seeds, result.weights, path)


def joined(results: Sequence[TrainResult]) -> TrainResult:
    """Trainings of one setup as one of all their seeds: weights and seeds of the others join the first's."""
    first = results[0]
    weights = {name: torch.cat([result.weights[name] for result in results]) for name in first.weights}
    return replace(first, seeds=tuple(seed for result in results for seed in result.seeds), weights=weights)


def load_solution(path: str | Path) -> Solution:
    """The module that `save_model` wrote: float64, in evaluation mode, without gradients of its weights.

    Raises ConfigurationError where the file cannot be read or holds something else.
    """
    setup, seeds, weights = read(path)
    try:
        solution = Solution(setup, seeds)
        solution.load(weights)
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise _damaged(path, error) from None
    return solution.double().eval().requires_grad_(False)


def read(path: str | Path) -> tuple[Setup, list[int], dict[str, Tensor]]:
    """Setup, seeds and weights of what `save_model` wrote.  Raises as `load_solution`."""
    try:
        content = checkpoint.read(Path(path).read_bytes(), "cpu")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}.") from None
    except ValueError:
        raise ConfigurationError(f"{path} is not a saved field: torch cannot read it.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ConfigurationError(f"{path} is not a saved field: its format is not {FORMAT!r}.")
    try:
        setup = Setup.from_dict(content["setup"])
        return setup, [int(seed) for seed in content["seeds"]], dict(content["weights"])
    except ConfigurationError as error:
        not_imported = str(error).startswith(("unknown problem ", "unknown network "))
        hint = " A class of your own is known once its file is imported." if not_imported else ""
        raise ConfigurationError(f"{path} cannot be loaded: {error}{hint}") from None
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise _damaged(path, error) from None


def _damaged(path: str | Path, error: Exception) -> ConfigurationError:
    cause = f"{type(error).__name__}: {error}".splitlines()[0]
    return ConfigurationError(f"{path} is damaged: it is no field of its setup ({cause}).")


def load_field(path: str | Path) -> TrainedField:
    """The field that `save_model` or `TrainedField.save` wrote: (K, n, d) -> (K, n, q), float64.

    Its problem is one of the program's, of a loaded file, or of any class that was imported.  Raises as
    `load_solution`.
    """
    return TrainedField(load_solution(path))
