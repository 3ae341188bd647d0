"""Names for classes and studies, so that adding one means adding one file: of the program or a user's own."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any, Generic, TypeVar

from dgm_core import extensions
from dgm_core.errors import ConfigurationError, unknown

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps a name to what a module defines: those of `package`, of installed extensions, of loaded files.

    `find` gives the (name, entry) pairs of one module.  A look-up of "some-name" imports `some_name` of the
    package, where there is one that defines it, and otherwise all.
    """

    def __init__(
        self, kind: str, package: str, find: Callable[[ModuleType], Iterable[tuple[str, T]]]
    ) -> None:
        self.kind = kind
        self.package = package
        self.find = find
        self._modules: tuple[ModuleType, ...] = ()
        self._entries: dict[str, tuple[T, ModuleType]] = {}

    def get(self, name: str) -> T:
        """The entry called `name`.  Raises ConfigurationError with the allowed names."""
        entries = self._found([*self._namesake(name), *self._others()], {})
        if name not in entries:
            entries = self._scan()
        if name not in entries:
            raise unknown(self.kind, name, entries)
        return entries[name][0]

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._scan())

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def _scan(self) -> dict[str, tuple[T, ModuleType]]:
        """All entries with their modules; a name that two of them define is refused."""
        modules = (*self._own(),)
        if modules != self._modules:
            self._modules, self._entries = modules, self._found(modules, {})
        return self._found(self._others(), dict(self._entries))

    def _found(
        self, modules: Iterable[ModuleType], entries: dict[str, tuple[T, ModuleType]]
    ) -> dict[str, tuple[T, ModuleType]]:
        """The entries with those that the modules define."""
        for module in modules:
            for name, entry in self.find(module):
                if name in entries and entries[name][0] is not entry:
                    raise ConfigurationError(
                        f"the {self.kind} {name!r} is defined twice: in {_place(entries[name][1])} "
                        f"and in {_place(module)}: give one of them another name."
                    )
                entries.setdefault(name, (entry, module))
        return entries

    def _own(self) -> list[ModuleType]:
        return [importlib.import_module(f"{self.package}.{name}") for name in self._files()]

    def _namesake(self, name: str) -> list[ModuleType]:
        """The package's module that is called so, or none."""
        module = name.replace("-", "_")
        return [importlib.import_module(f"{self.package}.{module}")] if module in self._files() else []

    def _files(self) -> list[str]:
        package = importlib.import_module(self.package)
        return [module.name for module in pkgutil.iter_modules(package.__path__)]

    def _others(self) -> list[ModuleType]:
        """Those of users; a script or a notebook defines its own as it goes."""
        return [*extensions.modules(), sys.modules["__main__"]]


def subclasses(module: ModuleType, root: type[Any]) -> Iterator[tuple[str, type[Any]]]:
    """Name and class of the subclasses of `root` that a module itself defines.

    Those that are abstract or have no name are there only to be built upon, unless nothing is: then they are
    unfinished.  Raises ConfigurationError for one without a name then.
    """
    for value in vars(module).values():
        if not inspect.isclass(value) or value.__module__ != module.__name__:
            continue
        if not issubclass(value, root) or value is root:
            continue
        kind: Any = value
        if (inspect.isabstract(kind) or not hasattr(kind, "name")) and kind.__subclasses__():
            continue
        if not hasattr(kind, "name"):
            where = _place(module)
            raise ConfigurationError(f'the class {kind.__name__} of {where} has no name: name = "…".')
        yield kind.name, kind


def kebab(name: str) -> str:
    """A class's name as names are written: HeatCauchy is heat-cauchy, MLP mlp."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


def _place(module: ModuleType) -> str:
    return getattr(module, "__file__", None) or module.__name__
