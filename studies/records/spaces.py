"""What a run's record says of its space: which settings a trial had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def present(space: Mapping[str, Mapping[str, Any]], key: str, config: Mapping[str, Any]) -> bool:
    """Whether a setting was there to be searched with the choices of a configuration.

    space: that of study.json, in which `when` holds the choices of another key with which this one exists.
    """
    when = space.get(key, {}).get("when", {})
    return all(
        config.get(above) in choices and present(space, above, config) for above, choices in when.items()
    )
