"""A recorded setup as TOML; without torch, so that a report can print it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomli_w

_KEYS = ("problem", "parameters", "config")


def settings_text(setup: Mapping[str, Any]) -> str:
    """A setup as the TOML that `dgm solve PROBLEM --config FILE.toml` reads.

    TOML has no null: a setting that is None is left out, which is its default.
    """
    return tomli_w.dumps(_without_none({key: setup[key] for key in _KEYS if key in setup}))


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return value
