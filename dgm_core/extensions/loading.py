"""Imports a user's files, once each, and remembers them."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import sys
import sysconfig
from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from dgm_core.errors import ConfigurationError
from dgm_core.extensions.companions import PROGRAM, companions, module_name, root_of, top_levels
from dgm_core.extensions.words import in_one_line, placed

GROUP = "dgm_studies"
"""Entry points of this group name modules of installed packages with problems, networks and studies."""

_loaded: dict[Path, ModuleType] = {}


def modules() -> tuple[ModuleType, ...]:
    """The modules beyond the program's own: of installed packages, then of the user's files."""
    return (*_installed(), *_own().values())


def files() -> tuple[Path, ...]:
    """The user's files that are loaded."""
    return tuple(_own())


def load(path: str | Path) -> ModuleType:
    """Imports a user's file, once.

    Its folder is the working directory meanwhile, so that the data files which it names are found here as
    on workers; what it prints goes to standard error.  Raises ConfigurationError with file and line
    where the file fails, and where its name, or that of a module beside it, is another module's.
    """
    path = Path(path).expanduser().resolve()
    if path in _loaded:
        return _loaded[path]
    if not path.is_file():
        raise ConfigurationError(f"there is no file {path}.")
    check_importable(path)
    root, needed = root_of(path), companions(path)
    for name, file in top_levels(needed, root).items():
        _check_free(name, file)
    if str(root) not in sys.path:
        # Behind everything else: a user's analysis.py must not stand in for the program's own.
        sys.path.append(str(root))
    importlib.invalidate_caches()
    name = module_name(path)
    try:
        with contextlib.chdir(path.parent), contextlib.redirect_stdout(sys.stderr):
            module = importlib.import_module(name)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        what = placed(error, needed) or f"{path}: {in_one_line(error)}"
        raise ConfigurationError(what + _taken(error, root)) from error
    _loaded[path] = module
    return module


def _taken(error: BaseException, root: Path) -> str:
    """What to say where a user's module has a name of the program's own, which was imported in its place."""
    for name in sorted(PROGRAM):
        file = next((root / each for each in (f"{name}.py", name) if (root / each).exists()), None)
        if file is not None and isinstance(error, (ImportError, AttributeError)) and f"'{name}" in str(error):
            return f" (the program has a module {name!r} itself: rename {file})"
    return ""


def check_importable(path: Path) -> None:
    """Refuses a file, there already or not, that could not be imported under its name."""
    if path.suffix != ".py" or not path.stem.isidentifier():
        raise ConfigurationError(f"{path} cannot be imported: a Python file's name is an identifier and .py.")
    if root_of(path) == path.parent:
        _check_free(path.stem, path)


def hide(names: Iterable[str]) -> None:
    """Takes the folders off the path that hold files or folders of these names.

    Folders of installed packages and of Python's own library stay.
    """
    names = set(names)

    def hides(entry: str) -> bool:
        folder = Path(entry or ".").resolve()
        return not _is_installed(folder) and any((folder / name).exists() for name in names)

    sys.path[:] = [entry for entry in sys.path if not hides(entry)]


def adopt(module: ModuleType) -> None:
    """Counts an imported module among the loaded files, if it is a user's."""
    if is_own(module):
        _loaded.setdefault(Path(str(module.__file__)).resolve(), module)


def is_own(module: ModuleType | None) -> bool:
    """Whether a module is a file of the user's that `load` would import under the same name.

    It is neither the program's, nor installed, nor the script that runs.
    """
    file = getattr(module, "__file__", None)
    return module is not None and file is not None and _is_own(module.__name__, file)


def unload() -> None:
    """Forgets all loaded files, their modules and their folders."""
    roots = {root_of(path) for path in _loaded if path.is_file()} | {path.parent for path in _loaded}
    places = {name: Path(_place(module) or "") for name, module in sys.modules.items()}
    for name, place in places.items():
        if any(place.is_relative_to(root) for root in roots) and name.partition(".")[0] not in PROGRAM:
            del sys.modules[name]
    sys.path[:] = [entry for entry in sys.path if Path(entry) not in roots]
    _loaded.clear()
    _is_own.cache_clear()


def _own() -> dict[Path, ModuleType]:
    """The loaded files, and those from which a script or a notebook has imported classes."""
    modules = dict(_loaded)
    for value in list(vars(sys.modules["__main__"]).values()):
        module = sys.modules.get(value.__module__) if inspect.isclass(value) else None
        if module is not None and is_own(module):
            modules.setdefault(Path(str(module.__file__)).resolve(), module)
    return modules


@cache
def _is_own(name: str, file: str) -> bool:
    path = Path(file).resolve()
    return (
        path.suffix == ".py"
        and name != "__main__"
        and name.partition(".")[0] not in PROGRAM
        and not _is_installed(path)
        and name == module_name(path)
    )


def _is_installed(path: Path) -> bool:
    """Whether a file or folder belongs to an installed package or to Python's own library."""
    installed = {"site-packages", "dist-packages"} & set(path.parts)
    return bool(installed) or any(path.is_relative_to(folder) for folder in _standard())


@cache
def _installed() -> tuple[ModuleType, ...]:
    installed = []
    for point in entry_points(group=GROUP):
        try:
            loaded = point.load()
        except Exception as error:
            name = point.dist.name if point.dist is not None else point.value
            raise ConfigurationError(
                f"the installed package {name} cannot be loaded ({GROUP}: {point.name}): {in_one_line(error)}"
            ) from error
        if isinstance(loaded, ModuleType):
            installed.append(loaded)
    return tuple(installed)


@cache
def _standard() -> tuple[Path, ...]:
    """The folders of Python's own library."""
    return tuple(Path(sysconfig.get_path(kind)).resolve() for kind in ("stdlib", "platstdlib"))


def _check_free(name: str, path: Path) -> None:
    """Refuses a name that is that of another module, which would be imported in place of this file."""
    known = sys.modules.get(name)
    spec = importlib.util.find_spec(name) if known is None else None
    if known is None and (spec is None or spec.origin is None):
        return
    other = _place(known) or (spec.origin if spec is not None else None)
    if other is None or Path(other).resolve() != path.resolve():
        raise ConfigurationError(
            f"{path} cannot be imported: {other or 'Python itself'} is a module {name!r} as well; "
            "rename the file."
        )


def _place(module: ModuleType | None) -> str | None:
    """A module's file, or the folder of one that is a folder alone."""
    if type(module) is not ModuleType:  # some libraries put objects of their own among the modules
        return None
    return getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
