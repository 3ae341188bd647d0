"""What is compared: cases, each with peers that do the same work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from types import ModuleType

from dgm_core.registry import Registry

Work = Callable[[int], None]
"""Does the given number of units: iterations, or evaluations."""


@dataclass(frozen=True)
class Peer:
    """One way to do a case's work.

    make: prepares it and gives the function that is timed.  share: what a unit's time is divided by, for
    example the replicates that it serves.  needs: packages of the extra "peers" without which it is left out.
    warm_up: units before anything is timed, for compilations, recordings and first allocations.
    """

    name: str
    make: Callable[[], Work]
    share: int = 1
    needs: tuple[str, ...] = ()
    warm_up: int = 3

    @property
    def missing(self) -> list[str]:
        """The packages that it needs and that are not installed."""
        return [package for package in self.needs if find_spec(package) is None]


@dataclass(frozen=True)
class Case:
    """Some peers side by side; the first is what the others are compared with."""

    title: str
    peers: tuple[Peer, ...]


@dataclass(frozen=True)
class Comparison:
    """Cases of one kind.  unit: of the times, in words, for a table's heading."""

    name: str
    about: str
    unit: str
    cases: Callable[[], Iterable[Case]]


def _defined(module: ModuleType) -> Iterator[tuple[str, Comparison]]:
    for value in vars(module).values():
        if isinstance(value, Comparison):
            yield value.name, value


COMPARISONS: Registry[Comparison] = Registry("comparison", "dev.bench.comparisons", _defined)
