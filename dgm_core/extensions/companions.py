"""What a user's file needs of its folder, read from its source without running it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

LARGEST = 32 * 2**20
"""Bytes of a data file that still travels with the file that names it."""

PROGRAM = frozenset({"analysis", "dgm_cli", "dgm_core", "studies"})
"""The program's own packages: they are wherever the program is, and never a user's."""


def root_of(path: Path) -> Path:
    """The folder from which a file is imported: its own, or that of its package.

    A file counts as part of the package it lies in where it imports relatively.
    """
    folder = path.parent
    if any(isinstance(node, ast.ImportFrom) and node.level for node in _nodes(path)):
        while (folder / "__init__.py").is_file() and folder.name.isidentifier():
            folder = folder.parent
    return folder


def module_name(path: Path) -> str:
    """The name under which a file is imported from its root."""
    return ".".join(path.relative_to(root_of(path)).with_suffix("").parts)


def companions(path: Path) -> list[Path]:
    """A file, and what it needs of its folder: the modules it imports, and theirs, and the files they name.

    Of a package that is imported all modules are needed.  A data file is one that a string in the source
    names by its path from the folder.
    """
    root = root_of(path)
    files: dict[Path, None] = {}
    waiting = [path, *_module_files(root, path.relative_to(root).parts[0])]
    while waiting:
        file = waiting.pop()
        if file in files:
            continue
        files[file] = None
        if file.suffix == ".py":
            waiting += _named(file, root)
    return list(files)


def top_levels(files: list[Path], root: Path) -> dict[str, Path]:
    """The names that the files take among all modules, each with the file or package that it should be."""
    modules = {}
    for path in files:
        first, *rest = path.relative_to(root).parts
        if path.suffix != ".py":
            continue
        if not rest:
            modules[path.stem] = path
        elif (package := root / first / "__init__.py").is_file():
            modules[first] = package
    return modules


def _named(path: Path, root: Path) -> Iterator[Path]:
    """What a file names of its root and of its own folder."""
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module_files(root, alias.name.partition(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from _module_files(root, node.module.partition(".")[0])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            for folder in dict.fromkeys((path.parent, root)):
                yield from _data_file(folder, node.value)


def _module_files(root: Path, top: str) -> Iterator[Path]:
    """All files of one top-level module of a folder, if it has one of that name."""
    if top in PROGRAM:
        return
    module, package = root / f"{top}.py", root / top
    if module.is_file() and not (package / "__init__.py").is_file():
        yield module
    elif package.is_dir() and ((package / "__init__.py").is_file() or not _installed(top, root)):
        yield from sorted(
            path
            for path in package.rglob("*.py")
            if not any(part.startswith(".") for part in path.relative_to(root).parts)
        )


def _installed(top: str, root: Path) -> bool:
    """Whether a module of that name is elsewhere.

    Python prefers it to a folder without an __init__.py, such as Ray's own /tmp/ray.
    """
    elsewhere = [place for place in sys.path if Path(place or ".").resolve() != root.resolve()]
    spec = PathFinder.find_spec(top, elsewhere)
    return top in sys.builtin_module_names or (spec is not None and spec.origin is not None)


def _data_file(folder: Path, text: str) -> Iterator[Path]:
    if not 0 < len(text) < 256 or "\n" in text or "\0" in text:
        return
    path = folder / text
    try:
        if path.resolve().is_relative_to(folder) and path.is_file() and path.stat().st_size <= LARGEST:
            yield path
    except OSError:
        return


def _nodes(path: Path) -> Iterator[ast.AST]:
    """All of a file's syntax tree; nothing where it is no Python, which its import will say."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return
    yield from ast.walk(tree)
