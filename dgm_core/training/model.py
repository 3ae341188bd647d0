"""A trained field on disk, read without running code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from dgm_core.calculus import Field
from dgm_core.errors import ConfigurationError
from dgm_core.training import checkpoint
from dgm_core.training.result import TrainResult
from dgm_core.training.setup import Setup
from dgm_core.training.solution import Solution

_FORMAT = "dgm-field-1"


def save_model(result: TrainResult, path: str | Path | IO[bytes]) -> None:
    """Writes setup, seeds and weights, for `load_field` or `torch.load(path, weights_only=True)`."""
    content = {
        "format": _FORMAT,
        "setup": result.setup.to_dict(),
        "seeds": list(result.seeds),
        "weights": result.weights,
    }
    torch.save(content, path)


def joined(results: Sequence[TrainResult]) -> TrainResult:
    """Trainings of one setup as one of all their seeds: weights and seeds of the others join the first's."""
    first = results[0]
    weights = {name: torch.cat([result.weights[name] for result in results]) for name in first.weights}
    return replace(first, seeds=tuple(seed for result in results for seed in result.seeds), weights=weights)


def load_solution(path: str | Path) -> Solution:
    """The module that `save_model` wrote: float64, in evaluation mode, without gradients of its weights.

    Raises ConfigurationError where the file cannot be read or holds something else.
    """
    try:
        content = checkpoint.read(Path(path).read_bytes(), "cpu")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}.") from None
    except ValueError:
        raise ConfigurationError(f"{path} is not a saved field: torch cannot read it.") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ConfigurationError(f"{path} is not a saved field: its format is not {_FORMAT!r}.")
    try:
        setup, seeds, weights = content["setup"], content["seeds"], content["weights"]
        solution = Solution(Setup.from_dict(setup), seeds)
        solution.load(weights)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path} cannot be loaded: {error}") from None
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ConfigurationError(f"{path} is damaged: it is no field of its setup ({said}).") from None
    return solution.double().eval().requires_grad_(False)


def load_field(path: str | Path) -> Field:
    """The field that `save_model` wrote: (K, n, d) -> (K, n, q), float64, K its replicates.

    Input in the problem's units, time last; differentiable with respect to it.  Raises as `load_solution`.
    """
    solution = load_solution(path)

    def field(x: Tensor) -> Tensor:
        return solution(x.double())

    return field
