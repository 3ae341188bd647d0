"""Names for classes and functions, so that adding one means adding one file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar, cast

from dgm_core.errors import ConfigurationError, unknown

T = TypeVar("T")
Entry = TypeVar("Entry")


class Registry(Generic[T]):
    """Maps a name to an entry; the modules of `package` are imported at the first look-up."""

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package = package
        self._entries: dict[str, T] = {}
        self._discovered = False

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """Decorator that enters a class or function under `name`; a taken name is refused."""

        def enter(entry: Entry) -> Entry:
            if name in self._entries:
                raise ConfigurationError(f"the {self.kind} {name!r} is registered twice.")
            self._entries[name] = cast(T, entry)
            return entry

        return enter

    def get(self, name: str) -> T:
        """The entry called `name`.  Raises ConfigurationError with the allowed names."""
        self._discover()
        if name not in self._entries:
            raise unknown(self.kind, name, self._entries)
        return self._entries[name]

    def names(self) -> list[str]:
        """All names, sorted."""
        self._discover()
        return sorted(self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def _discover(self) -> None:
        if self._discovered:
            return
        self._discovered = True
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self.package}.{module.name}")
