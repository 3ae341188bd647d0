"""What a check is, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from studies.preflight.question import Question

Level = Literal["error", "warning", "notice", "note"]
"""An error stops the run, a warning stands in its report, a notice is printed when it starts, a note only by
`dgm check`."""


@dataclass(frozen=True)
class Finding:
    """One thing that a check noticed.

    what: the fact, with its numbers.  why: what it does to the answer.  remedy: what to change.
    """

    level: Level
    check: str
    what: str
    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what} {self.why} {self.remedy}".strip()

    def to_dict(self) -> dict[str, str]:
        """Plain values for a record or for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Check:
    """Looks at one way in which a study can mislead; a file of `studies.preflight.checks` defines one.

    examine: yields (level, what, why, remedy) for each thing noticed, nothing where all is well.  It may take
    a tenth of a second, since it runs before every study, and must not train.
    """

    name: str
    about: str
    examine: Callable[[Question], Iterable[tuple[Level, str, str, str]]]
