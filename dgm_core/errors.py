"""What a caller did wrong, said in one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError


class ConfigurationError(ValueError):
    """A name, key or value that cannot be used; its message names it and what is allowed."""


def counted(number: float, noun: str, several: str = "") -> str:
    """A number with its noun: "0 trials", "1 trial", "1,200 trials".

    several: the plural, where it is not the noun with an s.
    """
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def unknown(kind: str, name: str, allowed: Iterable[str]) -> ConfigurationError:
    """The error for a `name` that is none of the `allowed` ones."""
    allowed = sorted(allowed)
    near = get_close_matches(name, allowed, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ConfigurationError(f"unknown {kind} {name!r}: it must be one of {', '.join(allowed)}.{hint}")


def explain(error: ValidationError, fields: Iterable[str], prefix: str = "") -> ConfigurationError:
    """The first complaint of a pydantic validation as one sentence with key, value and rule."""
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        if prefix.endswith(": "):  # whose keys they are, and no part of them
            return ConfigurationError(f"{prefix}{unknown('key', key, fields)}")
        return unknown("key", prefix + key, [prefix + field for field in fields])
    if first["type"] == "missing":
        return ConfigurationError(f"{prefix}{key} is missing.")
    if first["type"] == "value_error":
        reason: Any = first.get("ctx", {}).get("error", first["msg"])
        return reason if isinstance(reason, ConfigurationError) else ConfigurationError(str(reason))
    rule = first["msg"][0].lower() + first["msg"][1:]
    return ConfigurationError(f"{prefix}{key} = {first['input']!r} is not allowed: {rule}")
