"""What a caller did wrong, said in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

_FEW = 16
"""Names that a sentence may list."""
_LISTED = {
    "command": "`dgm --help`",
    "study or problem": "`dgm list`",
    "study": "`dgm list studies`",
    "problem": "`dgm list problems`",
    "key": "`dgm show` with the name of a problem",
}
"""Kind of what has many names, or what that begins with -> where they are listed."""


_RULES = {
    "tuple_type": "input should be a list, such as [1, 2]",
    "dict_type": "input should be a mapping, whose entries are set one by one: key.name=value",
    "string_type": "input should be a text",
    "bool_type": "input should be true or false",
    "int_type": "input should be a whole number",
    "int_from_float": "input should be a whole number",
    "int_parsing": "input should be a whole number",
    "float_type": "input should be a number",
    "float_parsing": "input should be a number",
}
"""Kind of pydantic's complaint -> the same for who does not know Python's types."""


_LONGEST = 100
"""Characters of a value that a sentence repeats."""


class ConfigurationError(ValueError):
    """A name, key or value that cannot be used; its message names it and what is allowed."""


def counted(number: float, noun: str, several: str = "") -> str:
    """A number with its noun: "0 trials", "1 trial", "1,200 trials".

    several: the plural, where it is not the noun with an s.
    """
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def repeated(value: object) -> str:
    """A value as a sentence repeats it: cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def listed(names: Iterable[str], last: str = "and") -> str:
    """Names in a sentence: "a", "a and b", "a, b and c"; `last` is the word before the last one."""
    *some, end = names
    return f"{', '.join(some)} {last} {end}" if some else end


def nearest(name: str, allowed: Iterable[str], most: int = 3) -> list[str]:
    """What of the `allowed` was probably meant, best first: the same but for capitals, what has all the words
    of the name, or what is spelt much alike."""
    folded: dict[str, str] = {}
    for each in allowed:
        folded.setdefault(each.lower(), each)
    if name.lower() in folded:
        return [folded[name.lower()]]
    asked = _words(name)
    near = [each for each in sorted(folded, key=len) if asked and asked <= _words(each)]
    for cutoff in (0.8, 0.6):
        near = near or get_close_matches(name.lower(), folded, n=most, cutoff=cutoff)
    return [folded[each] for each in near][:most]


def _words(name: str) -> set[str]:
    return {word for word in re.split(r"[^a-z0-9]+", name.lower()) if word}


def unknown(kind: str, name: str, allowed: Iterable[str]) -> ConfigurationError:
    """The error for a `name` that is none of the `allowed` ones.

    It lists these where they are few; else it says where the list is."""
    allowed = sorted(allowed)
    near = [repr(each) for each in nearest(name[:_LONGEST], allowed)] if len(allowed) > 1 else []
    hint = f" Did you mean {listed(near, 'or')}?" if near else ""
    said = f"unknown {kind} {repeated(name)}"
    if len(allowed) <= _FEW:
        return ConfigurationError(f"{said}: {_rule(allowed)}.{hint}")
    place = next((where for kinds, where in _LISTED.items() if kind.startswith(kinds)), "")
    if place:
        return ConfigurationError(f"{said}.{hint} {place} lists all {len(allowed)}.")
    rest = f" and {len(allowed) - _FEW:,} more"
    return ConfigurationError(f"{said}: it must be one of {', '.join(allowed[:_FEW])}{rest}.{hint}")


def _rule(allowed: list[str]) -> str:
    if len(allowed) > 1:
        return f"it must be one of {', '.join(allowed)}"
    return f"it must be {allowed[0]}" if allowed else "there is none"


def explain(error: ValidationError, fields: Iterable[str], prefix: str = "") -> ConfigurationError:
    """The first complaint of a pydantic validation as one sentence with key, value and rule."""
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        if prefix.endswith(": "):  # whose keys they are, and no part of them
            return ConfigurationError(f"{prefix}{unknown('key', key, fields)}")
        return unknown("key", prefix + key, [prefix + field for field in fields])
    if first["type"] == "missing" and prefix == "problem.":
        return ConfigurationError(
            f"the parameter problem.{key} has no value: write a default in the class, as in "
            f"`{key}: float = 1.0`, or give one by --set problem.{key}=…"
        )
    if first["type"] == "missing":
        return ConfigurationError(f"{prefix}{key} is missing.")
    if first["type"] == "value_error":
        reason: Any = first.get("ctx", {}).get("error", first["msg"])
        return reason if isinstance(reason, ConfigurationError) else ConfigurationError(str(reason))
    rule = _RULES.get(first["type"]) or first["msg"][0].lower() + first["msg"][1:]
    return ConfigurationError(f"{prefix}{key} = {repeated(first['input'])} is not allowed: {rule}")
