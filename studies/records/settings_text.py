"""A recorded setup as TOML; without torch, so that a report can print it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tomli_w

_KEYS = ("problem", "parameters", "config")


def settings_text(setup: Mapping[str, Any], schedule: Sequence[Mapping[str, Any]] = ()) -> str:
    """A setup as the TOML that `dgm solve PROBLEM --config FILE.toml` reads.

    TOML has no null: a setting that is None is left out, which is its default.  schedule: settings that
    changed on the way; the file has the last of them, and says so in a comment.
    """
    said = "".join(f"# {line}\n" for line in schedule_lines(schedule))
    return said + tomli_w.dumps(_without_none({key: setup[key] for key in _KEYS if key in setup}))


def schedule_lines(schedule: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a file of settings says of a schedule; nothing where nothing changed."""
    if not schedule:
        return []
    steps = [
        f"from iteration {step['iteration']}: "
        + ", ".join(f"{key} = {value}" for key, value in step["settings"].items())
        for step in schedule
    ]
    return ["These settings changed during the training; below are the last.", *steps]


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return value
