"""A user's own Python files: loaded here, explained where they fail, and carried to where they are needed.

A file is imported under its own name, with its folder behind all others on the path, as a script's
modules are.  `Sources` holds it and the files beside it that it needs by value: for workers, which
have no such folder, and for run folders, which outlive it.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from dgm_core.errors import ConfigurationError

GROUP = "dgm_studies"
"""Entry points of this group name modules of installed packages with problems, networks and studies."""

LARGEST = 32 * 2**20
"""Bytes of a data file that still travels with the file that names it."""

_loaded: dict[Path, ModuleType] = {}


def modules() -> tuple[ModuleType, ...]:
    """The modules beyond the program's own: of installed packages, then of loaded files."""
    return (*_installed(), *_loaded.values())


def load(path: str | Path) -> ModuleType:
    """Imports a user's file, once.

    Raises ConfigurationError with file and line where the file fails, and where its name, or that of a
    module beside it, is another module's.
    """
    path = Path(path).expanduser().resolve()
    if path in _loaded:
        return _loaded[path]
    if not path.is_file():
        raise ConfigurationError(f"there is no file {path}.")
    if path.suffix != ".py" or not path.stem.isidentifier():
        raise ConfigurationError(f"{path} cannot be imported: a Python file's name is an identifier and .py.")
    for companion in companions(path):
        if companion.suffix == ".py" and companion.parent == path.parent:
            _check_name(companion)
    if str(path.parent) not in sys.path:
        # Behind everything else: a user's analysis.py must not stand in for the program's own.
        sys.path.append(str(path.parent))
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(path.stem)
    except (Exception, SystemExit) as error:
        sys.modules.pop(path.stem, None)
        raise ConfigurationError(explained(error, path)) from error
    _loaded[path] = module
    return module


def adopt(module: ModuleType) -> None:
    """Counts an imported module among the loaded files, if it is a user's: a file outside of any package
    that is installed."""
    file = getattr(module, "__file__", None)
    if file is None or module.__name__ == "__main__" or "." in module.__name__:
        return
    path = Path(file).resolve()
    if "site-packages" not in path.parts and path.suffix == ".py":
        _loaded.setdefault(path, module)


def unload() -> None:
    """Forgets all loaded files, their modules and their folders."""
    folders = {path.parent for path in _loaded}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is not None and any(Path(file).is_relative_to(folder) for folder in folders):
            del sys.modules[name]
    sys.path[:] = [entry for entry in sys.path if Path(entry) not in folders]
    _loaded.clear()


def explained(error: BaseException, path: Path | None = None) -> str:
    """What went wrong in a user's file, in a sentence with file and line.

    `path` is the file being loaded; without it, the loaded file where the error arose.  Empty where no
    user's file had a part in it.
    """
    if isinstance(error, SyntaxError) and error.filename is not None and path is not None:
        return f"{error.filename}, line {error.lineno}: {error.msg}."
    folders = {file.parent for file in _loaded} | ({path.parent} if path is not None else set())
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if any(Path(frame.filename).is_relative_to(folder) for folder in folders)
        and "site-packages" not in Path(frame.filename).parts
    ]
    if not frames:
        return f"{path}: {_said(error)}" if path is not None else ""
    return f"{frames[-1].filename}, line {frames[-1].lineno}: {_said(error)}"


def companions(path: Path) -> list[Path]:
    """A file, and what it needs of its folder: the modules it imports, and theirs, and the files they name.

    A data file is one that a string in the source names by its path from the folder.
    """
    found: dict[Path, None] = {}
    waiting = [path]
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found[one] = None
        if one.suffix == ".py":
            waiting += _named(one, path.parent)
    return list(found)


@dataclass(frozen=True)
class Sources:
    """A user's files by value.

    files: relative path -> content, those of one folder under one first part.  main: the files to be
    loaded.  origins: first part -> the folder that it stands for.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    main: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def loaded(cls) -> Sources:
        """Everything that is loaded now."""
        folders = list(dict.fromkeys(path.parent for path in _loaded))
        names = {folder: f"{place}-{folder.name}" for place, folder in enumerate(folders)}
        files, main = {}, []
        for path in _loaded:
            main.append(f"{names[path.parent]}/{path.name}")
            for one in companions(path):
                key = f"{names[path.parent]}/{one.relative_to(path.parent).as_posix()}"
                files[key] = one.read_bytes()
        return cls(files, tuple(main), {names[folder]: str(folder) for folder in folders})

    @classmethod
    def read(cls, folder: Path, main: tuple[str, ...], origins: Mapping[str, str]) -> Sources:
        """Those that `write` has written."""
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }
        return cls(files, main, origins)

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each file, by its relative path."""
        return {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}

    def write(self, folder: Path) -> None:
        """Writes the files under a folder."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def load(self, folder: Path) -> None:
        """Loads the main files from where `write` has put them, unless they are loaded already.

        The folders that they came from leave the path: what is loaded is what was kept.
        """
        here = {path.name for path in _loaded}
        missing = [name for name in self.main if Path(name).name not in here]
        if missing:
            sys.path[:] = [entry for entry in sys.path if entry not in self.origins.values()]
        for name in missing:
            load(folder / name)

    def changed(self) -> list[str]:
        """What became of the original files, a phrase for each that is no longer the same."""
        said = []
        for name, content in self.files.items():
            first, _, rest = name.partition("/")
            path = Path(self.origins.get(first, ".")) / rest
            if not path.is_file():
                said.append(f"{path} is gone")
            elif path.read_bytes() != content:
                said.append(f"{path} has changed")
        return said


@cache
def _installed() -> tuple[ModuleType, ...]:
    found = []
    for point in entry_points(group=GROUP):
        try:
            loaded = point.load()
        except Exception as error:
            name = point.dist.name if point.dist is not None else point.value
            raise ConfigurationError(
                f"the installed package {name} cannot be loaded ({GROUP}: {point.name}): {_said(error)}"
            ) from error
        if isinstance(loaded, ModuleType):
            found.append(loaded)
    return tuple(found)


def _check_name(path: Path) -> None:
    """Refuses a file whose name is that of a module which would be imported in its place."""
    known = sys.modules.get(path.stem)
    other = getattr(known, "__file__", None)
    if known is None:
        spec = importlib.util.find_spec(path.stem)
        other = spec.origin if spec is not None else None
    if (known is not None or other is not None) and (
        other is None or Path(other).resolve() != path.resolve()
    ):
        raise ConfigurationError(
            f"{path} cannot be imported: {other or 'Python itself'} is a module {path.stem!r} as well; "
            "rename the file."
        )


def _named(path: Path, folder: Path) -> Iterator[Path]:
    """What a file names of its folder."""
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module_files(folder, alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from _module_files(folder, node.module)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and 0 < len(node.value) < 256:
            yield from _data_file(folder, node.value)


def _module_files(folder: Path, name: str) -> Iterator[Path]:
    top = name.partition(".")[0]
    if (folder / f"{top}.py").is_file():
        yield folder / f"{top}.py"
    elif (folder / top / "__init__.py").is_file():
        yield from sorted((folder / top).rglob("*.py"))


def _data_file(folder: Path, text: str) -> Iterator[Path]:
    if "\n" in text or "\0" in text:
        return
    path = folder / text
    try:
        if path.resolve().is_relative_to(folder) and path.is_file() and path.stat().st_size <= LARGEST:
            yield path
    except OSError:
        return


def _said(error: BaseException) -> str:
    if isinstance(error, ConfigurationError):
        return str(error)
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
