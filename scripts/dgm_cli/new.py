"""`dgm new`: a problem or a study to start from, a file that runs as it is."""

from __future__ import annotations

import json
import os
import re
from importlib.resources import files as resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dgm_cli.common import messages
from dgm_core.errors import ConfigurationError, listed, unknown
from dgm_core.extensions import check_importable
from studies.hints import quoted

if TYPE_CHECKING:
    from dgm_core.registry import Registry

_LONGEST = 80
"""Letters of a name: it becomes that of files and folders."""

app = typer.Typer(name="new", help="Write a file to start from.", no_args_is_help=True)


@app.command()
def problem(
    name: Annotated[str, typer.Argument(help="The problem's name, such as wave or my-equation.")],
    kind: Annotated[
        str,
        typer.Option(help="box, cylinder, geometry, integral, inverse, measured, memory, ode or periodic."),
    ] = "box",
    out: Annotated[
        Path | None, typer.Option(help="File to write (default: the name, with underscores).")
    ] = None,
) -> None:
    """Write a file for your own problem: an equation with its conditions and a reference."""
    from dgm_core import PROBLEMS

    if kind not in (known := kinds()):
        raise unknown("kind", kind, known)
    data = f"problems/{kind}.csv.txt"
    path = _write("problem", name, PROBLEMS, out, template=f"problems/{kind}", beside=data)
    has_data = resources("dgm_cli").joinpath("templates", data).is_file()
    written = [path, path.with_suffix(".csv")] if has_data else [path]
    messages.print(f"Written: {listed(map(quoted, written))}. Solve it with: dgm solve {quoted(path)}")


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="The study's name, such as wave-search.")],
    problem_of: Annotated[
        str, typer.Option("--problem", help="The problem to study: a name or a file.")
    ] = "heat",
    out: Annotated[
        Path | None, typer.Option(help="File to write (default: the name, with underscores).")
    ] = None,
) -> None:
    """Write a study: a search over batch size, learning rate, depth and iterations."""
    from dgm_core import PROBLEMS, Setup
    from studies.catalog import STUDIES

    if problem_of.endswith(".py"):
        given, folder = Path(problem_of), (out or Path()).parent
        if given.resolve().parent != folder.resolve():
            raise ConfigurationError(f"{given} must lie beside the study that imports it.")
        from dgm_cli.own import named

        chosen = PROBLEMS.get(named(PROBLEMS, problem_of))
        cls = chosen.__name__
        imported, made = f"from {given.stem} import {cls}\n", f"{cls}()"
    else:
        chosen = PROBLEMS.get(problem_of)
        imported, made = "", f'load_problem("{problem_of}")'
    core = "Setup" if imported else "Setup, load_problem"
    base = Setup.named(chosen.create({})).config
    changes: dict[str, Any] = {"schedule": "cosine", "input_scaling": "unit"}
    # Trials of different lengths are compared at equal iterations, where they would be in other windows.
    changes |= {"windows": 1} if base.windows > 1 else {}
    polish = {"polish_iterations": 20} if base.polish_iterations else {}
    path = _write(
        "study",
        name,
        STUDIES,
        out,
        IMPORT=imported,
        CORE=core,
        MADE=made,
        CHANGES=json.dumps(changes),
        SHORT_BASE=f'\n        "base": BASE.changed({json.dumps(polish)}),' if polish else "",
        SHORT=json.dumps({"iterations": 1_000, **polish}),
    )
    messages.print(f"Written: {quoted(path)}. Run it with: dgm run {quoted(path)} --quick")


def kinds() -> list[str]:
    """The kinds of problem there is a file for, by name."""
    folder = resources("dgm_cli").joinpath("templates", "problems")
    return sorted(
        file.name.removesuffix(".py.txt") for file in folder.iterdir() if file.name.endswith(".py.txt")
    )


def _write(
    kind: str,
    name: str,
    taken: Registry[Any],
    out: Path | None,
    *,
    template: str = "study",
    beside: str | None = None,
    **values: str,
) -> Path:
    """Writes a template, and the data file `beside` it where there is one; the path of the first."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ConfigurationError(
            f"{name!r} is not allowed as a name: use lower-case letters, digits and hyphens."
        )
    if len(name) > _LONGEST:
        raise ConfigurationError(f"a name of {len(name)} letters is not allowed: use {_LONGEST} or fewer.")
    path = out or _file(name, kind)
    if os.path.lexists(path):
        raise ConfigurationError(f"{path} exists: choose another --out.")
    if name in taken:
        raise ConfigurationError(f"the {kind} {name!r} exists already: choose another name.")
    check_importable(path.resolve())
    values |= {
        "NAME": name,
        "CLASS": "".join(part.capitalize() for part in name.split("-")),
        "FILE": str(path),
        "DATA": path.with_suffix(".csv").name,
    }
    templates = resources("dgm_cli").joinpath("templates")
    data = templates.joinpath(beside) if beside is not None else None
    if data is not None and data.is_file():
        _create(path.with_suffix(".csv"), data.read_text(encoding="utf-8"))
    text = templates.joinpath(f"{template}.py.txt").read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    _create(path, text)
    return path


def _create(path: Path, text: str) -> None:
    """Writes a file that is not there yet."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigurationError(f"{path} exists: choose another --out.") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from None


def _file(name: str, kind: str) -> Path:
    """A file after the name; one that also says its kind where a module of that name exists, as wave does."""
    stem = name.replace("-", "_")
    path = Path(f"{stem}.py")
    try:
        check_importable(path.resolve())
    except ConfigurationError:
        return Path(f"{stem}_{kind}.py")
    return path
