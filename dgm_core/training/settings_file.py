"""The settings of one training as a TOML file that a person can read, edit and publish."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dgm_core.errors import ConfigurationError, unknown
from dgm_core.formulation import Problem
from dgm_core.training.config import TrainConfig
from dgm_core.training.setup import PROBLEM_PREFIX, Setup

_KEYS = ("problem", "parameters", "config")


def setup_from_values(problem: Problem, values: Mapping[str, Any], origin: str) -> Setup:
    """The problem with the parameters and the whole configuration of `values`.

    A setting that is not given has its general default, not that of the problem's own settings.  Raises
    ConfigurationError, naming `origin`, for an unknown key and for settings of another problem.
    """
    _check(values, origin)
    named = values.get("problem", problem.name)
    if named != problem.name:
        raise ConfigurationError(f"{origin} has settings for {named}, not for {problem.name}.")
    try:
        chosen = type(problem).create({**problem.parameters(), **values.get("parameters", {})})
        return Setup(chosen, TrainConfig.create(values.get("config", {})))
    except ConfigurationError as error:
        raise ConfigurationError(f"{origin}: {error}") from None


def read_settings(path: Path, problem: Problem) -> Setup:
    """The setup of a TOML file.  Raises ConfigurationError, also where the file has no settings: it would
    stand for the general defaults, which nobody asked for."""
    values = _read(path)
    if not values.get("config"):
        raise ConfigurationError(f"{path} has no settings: write them under [config], as dgm export does.")
    return setup_from_values(problem, values, str(path))


def flat_settings(path: Path) -> dict[str, Any]:
    """What a TOML file says, by key; the problem's own under "problem.".  Raises ConfigurationError."""
    values = _read(path)
    parameters = {PROBLEM_PREFIX + key: value for key, value in values.get("parameters", {}).items()}
    return {**parameters, **values.get("config", {})}


def _read(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not a TOML file: {error}.") from None
    _check(values, str(path))
    return values


def _check(values: Mapping[str, Any], origin: str) -> None:
    """Raises ConfigurationError where there is more than a problem, its parameters and a configuration."""
    for key, value in values.items():
        if key not in _KEYS:
            raise unknown(f"key of {origin}", key, _KEYS)
        if key == "problem" and not isinstance(value, str):
            raise ConfigurationError(f"{origin}: problem must be the name of one, and is {value!r}.")
        if key != "problem" and not isinstance(value, Mapping):
            raise ConfigurationError(f"{origin}: {key} must be a table, [{key}], and is {value!r}.")
