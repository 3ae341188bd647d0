"""What the commands share: reading `--set`, numbers, and the two output streams."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console

from dgm_core.errors import ConfigurationError

_IN_A_FILE = 120
"""Columns of what is not written to a terminal, where tables would be cut to 80."""


class Messages(Console):
    """A console that leaves the lines of a text as they are, for a terminal to wrap: a path or a command in
    it can then be copied."""

    def print(self, *objects: Any, soft_wrap: bool | None = None, **options: Any) -> None:
        """As `Console.print`; what is no text, such as a table, still fits the width."""
        texts = all(isinstance(each, str) for each in objects)
        super().print(*objects, soft_wrap=texts if soft_wrap is None else soft_wrap, **options)


def _width(stream: TextIO) -> int | None:
    """None is that of the terminal, or what COLUMNS says."""
    return None if stream.isatty() or "COLUMNS" in os.environ else _IN_A_FILE


def output() -> Messages:
    """What a command prints because it was asked for it, on standard output."""
    return Messages(highlight=False, markup=False, width=_width(sys.stdout))


messages = Messages(stderr=True, highlight=False, markup=False, width=_width(sys.stderr))
"""Everything for people: standard output stays free for `--json`."""


def parse_settings(pairs: Sequence[str], option: str = "--set") -> dict[str, Any]:
    """`key=value` pairs; a value is read as JSON where it is JSON, and as text where it is not."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            raise ConfigurationError(f"{option} {pair!r} is not allowed: write key=value.")
        if key.strip() in settings:
            raise ConfigurationError(f"{option} {key.strip()} is given twice.")
        settings[key.strip()] = _value(text)
    return settings


MOST_SEED = 2**48
"""Whose replicates' seeds still fit into 64 bits (see `studies.study.seeds`)."""
MOST_REPLICATES = 2_500
"""Of one phase, likewise."""


def at_least(name: str, value: int | None, least: int, most: int | None = None) -> None:
    """Refuses a number below `least`, or above `most`."""
    if value is not None and most is not None and value > most:
        raise ConfigurationError(f"--{name} {value} is not allowed: it must be {most} or less.")
    if value is not None and value < least:
        raise ConfigurationError(f"--{name} {value} is not allowed: it must be {least} or greater.")


def tell_compiler() -> None:
    """Says that training will be slower, where it will be."""
    from dgm_core.calculus import compiler

    if compiler() is None:
        messages.print("No C compiler was found: training goes on without compiled kernels, more slowly.")


def command_line() -> str:
    """The command as it was typed, for the records."""
    return shlex.join(["dgm", *sys.argv[1:]])


def print_json(values: Mapping[str, Any]) -> None:
    """One JSON object as the last line of standard output."""
    print(json.dumps(values, allow_nan=False, default=str), flush=True)


def interval(score: Mapping[str, Any] | None, digits: int = 2) -> str:
    """An error with its interval and count, to some digits."""
    if score is None:
        return "–"
    if score["median"] is None:
        return f"diverged ({score['diverged']} of {score['n']})"
    if score["n"] == 1:
        return f"{_number(score['median'], digits)} (n = 1)"
    low, high = (_number(score[key], digits) for key in ("low", "high"))
    lost = f", {score['diverged']} diverged" if score.get("diverged") else ""
    return f"{_number(score['median'], digits)} [{low}, {high}] (n = {score['n']}{lost})"


def _number(value: float | None, digits: int) -> str:
    return "∞" if value is None else f"{value:.{digits}g}"


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
