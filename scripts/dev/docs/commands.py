"""The page of every command, from the command line itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer.main

from dgm_cli.app import app

_HEAD = """\
# Every command

This page is made from the command line by `scripts/docs write`; `dgm COMMAND --help` says the same.

Exit codes: 0, done; 1, something failed that is not your input (a full disk, a run in use, failed trials);
2, your input is wrong, and one sentence says how before anything is trained; 130, interrupted. With `--json`
the last line of standard output is one JSON object, and everything else goes to standard error.
"""


def page() -> str:
    """The page, Markdown."""
    return "\n".join([_HEAD, *(part for name, command in commands() for part in _section(name, command))])


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by its words ("new problem"), in the order of `dgm --help`."""
    yield from _walk("", typer.main.get_command(app))


def _walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
        return
    for word, child in children.items():
        yield from _walk(f"{name} {word}".strip(), child)


def _section(name: str, command: Any) -> list[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [
        p for p in command.params if p.param_type_name != "argument" and not getattr(p, "hidden", False)
    ]
    usage = " ".join(["dgm", name, *(_usage(p) for p in arguments), "[OPTIONS]" if options else ""]).strip()
    lines = [f"## `dgm {name}`", "", inspect.cleandoc(command.help or ""), "", f"    {usage}", ""]
    rows = [*arguments, *options]
    if rows:
        lines += ["| option | what it does | default |", "| --- | --- | --- |"]
        lines += [f"| {_named(p)} | {_cell(getattr(p, 'help', None) or '')} | {_default(p)} |" for p in rows]
    return [*lines, ""]


def _usage(argument: Any) -> str:
    word = _word(argument) + ("…" if argument.nargs != 1 else "")
    return word if argument.required else f"[{word}]"


def _word(argument: Any) -> str:
    """What stands for an argument's value, as in `dgm COMMAND --help`."""
    return (argument.metavar or argument.name.upper()).removesuffix("…")


def _named(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_word(parameter)}`"
    value = f" {parameter.metavar}" if parameter.metavar else ""
    return ", ".join(f"`{flag}{value}`" for flag in parameter.opts).replace("|", "\\|")


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    value = parameter.default
    if value is None or value is False or callable(value) or value in ([], (), ""):
        return ""
    return f"`{value}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
