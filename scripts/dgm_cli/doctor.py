"""`dgm doctor`: what this machine has of what studies need, and what to do where something is missing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from dgm_cli.common import output, print_json
from dgm_cli.options import Json
from studies.errors import StudyError
from studies.records.words import counted

Level = Literal["ok", "warning", "error"]
_GIB = 2**30
_LEAST_DISK = 2.0
_LEAST_MEMORY = 2.0
_LEAST_SHARED = 0.2
_LEAST_FILES = 1024


@dataclass(frozen=True)
class Sign:
    """What a check found; `remedy` is empty where all is well."""

    check: str
    level: Level
    said: str
    remedy: str = ""


def packages() -> Sign:
    """Whether what is installed is what this version was made for."""
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    wrong = []
    for text in requires("dgm-studies") or ():
        needed = Requirement(text)
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            there = version(needed.name)
        except PackageNotFoundError:
            wrong.append(f"{needed.name} is missing")
            continue
        if not needed.specifier.contains(there, prereleases=True):
            wrong.append(f"{needed.name} {there} is none of {needed.specifier}")
    from studies.records.environment import versions

    if wrong:
        remedy = "pip install -c scripts/constraints.txt -e ."
        return Sign("packages", "error", "; ".join(wrong), remedy)
    return Sign("packages", "ok", ", ".join(f"{name} {number}" for name, number in versions().items()))


def processor() -> Sign:
    """Cores and memory."""
    import psutil

    from studies.records.environment import available_cores

    memory = psutil.virtual_memory()
    resources = counted(available_cores(), "core")
    resources += f", {memory.available / _GIB:.1f} of {memory.total / _GIB:.1f} GiB"
    if memory.available < _LEAST_MEMORY * _GIB:
        return Sign(
            "processor", "warning", f"{resources} of memory free", "Close something, or use fewer --cores."
        )
    return Sign("processor", "ok", f"{resources} of memory free")


def graphics() -> Sign:
    """GPUs that torch can use."""
    import torch

    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not there:
        return Sign("graphics", "ok", "no GPU that torch can use: trainings run on the processor")
    return Sign("graphics", "ok", ", ".join(torch.cuda.get_device_name(each) for each in range(there)))


def compiler() -> Sign:
    """A C compiler for the kernels."""
    from dgm_core.calculus import compiler as found

    path = found()
    if path is None:
        return Sign(
            "compiler", "warning", "no C compiler", "Install gcc or set CC: steps are several times faster."
        )
    return Sign("compiler", "ok", str(path))


def disk() -> Sign:
    """Room for results, here, and for what is temporary."""
    places = {"here": Path.cwd(), "temporary files": Path(tempfile.gettempdir())}
    free = {name: shutil.disk_usage(place).free / _GIB for name, place in places.items()}
    free_space = ", ".join(f"{room:.1f} GiB free for {name}" for name, room in free.items()).replace(
        "for here", "here"
    )
    if not os.access(Path.cwd(), os.W_OK):
        return Sign("disk", "error", f"{Path.cwd()} cannot be written", "Work elsewhere, or give --out.")
    if min(free.values()) < _LEAST_DISK:
        return Sign("disk", "warning", free_space, "Make room, or give --out and TMPDIR elsewhere.")
    return Sign("disk", "ok", free_space)


def sockets() -> Sign:
    """A folder for Ray's sockets, and a token."""
    from studies.tune.surroundings import ray_folder, ray_token

    try:
        _, moved = ray_folder(os.environ)
    except StudyError as error:
        return Sign("Ray's folder", "error", str(error), "Set RAY_TMPDIR to a short folder.")
    token = " Its token travels in the environment." if ray_token(os.environ) else ""
    return Sign("Ray's folder", "ok", f"{moved or 'as Ray chooses it.'}{token}")


def shared_memory() -> Sign:
    """Where Ray keeps what its processes share."""
    if not Path("/dev/shm").is_dir():
        return Sign("shared memory", "ok", "no /dev/shm: Ray takes files in its place")
    free = shutil.disk_usage("/dev/shm").free / _GIB
    said = f"{free:.1f} GiB free in /dev/shm"
    if free < _LEAST_SHARED:
        return Sign("shared memory", "warning", said, "Give a container more: docker run --shm-size=1g.")
    return Sign("shared memory", "ok", said)


def open_files() -> Sign:
    """How many files a process may hold open."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < _LEAST_FILES:
        return Sign("open files", "warning", f"{most} at most", f"ulimit -n {_LEAST_FILES}, or more.")
    return Sign("open files", "ok", "no limit" if most == resource.RLIM_INFINITY else f"{most:,} at most")


def ray() -> Sign:
    """Whether a Ray of its own starts and ends."""
    from studies.tune.session import ray_session

    said: list[str] = []
    try:
        with ray_session(cores=1, address="local", dashboard=False, begun=None, tell=said.append, lost=""):
            pass
    except Exception as error:
        return Sign("Ray", "error", f"it does not start: {error}".splitlines()[0], "See the lines above.")
    return Sign("Ray", "ok", "it starts and ends")


CHECKS: tuple[Callable[[], Sign], ...] = (
    packages,
    processor,
    graphics,
    compiler,
    disk,
    sockets,
    shared_memory,
    open_files,
)
"""In the order of the table; one more is one more function."""


def doctor(
    start: Annotated[bool, typer.Option("--ray", help="Also start Ray, which takes some seconds.")] = False,
    as_json: Json = False,
) -> int:
    """Check this machine: what studies need, what is there, and what to do.

    Exit code 1 if a study could not run.
    """
    signs = [check() for check in (*CHECKS, *((ray,) if start else ()))]
    if as_json:
        print_json({"checks": [asdict(sign) for sign in signs]})
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        for sign in signs:
            table.add_row(sign.level, sign.check, f"{sign.said}{f'  {sign.remedy}' if sign.remedy else ''}")
        output().print(table)
    return int(any(sign.level == "error" for sign in signs))
