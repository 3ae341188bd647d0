"""One trial of a plan: what it trains and where it can be stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dgm_core import Setup
from studies.cost import polish_cost
from studies.records.events import ScheduleStep, Suggested


@dataclass(frozen=True)
class Trial:
    """Replicates `first`, `first + 1`, … of one setup, over `seeds`.

    name: unique in the study.  index: its place within its phase.  setup: that which the study calls `key`,
    with `changes`.  rungs: iterations at which it is reported and can be stopped.  costs: its objectives but
    for the error, where the search has several.  violations: its constraints by name, none above 0.
    same_as: the earlier trial that has the same setup, whose results it takes.  schedule: the settings that
    change on its way, the last as in `setup`.  origin: the folder of the state that it goes on from, where it
    has none of its own.
    """

    name: str
    phase: str
    index: int
    setup: Setup
    seeds: tuple[int, ...]
    key: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    arm: str | None = None
    first: int = 0
    rungs: tuple[int, ...] = ()
    costs: Mapping[str, float] = field(default_factory=dict)
    violations: Mapping[str, float] = field(default_factory=dict)
    same_as: str | None = None
    schedule: tuple[ScheduleStep, ...] = ()
    origin: str | None = None
    exploits: int = 0

    @property
    def folder(self) -> str:
        """Of its checkpoint; names of arms can hold anything, and are no file names."""
        again = f"-{self.exploits}" if self.exploits else ""
        return f"{self.phase}-{self.index:05d}{again}"

    @property
    def again(self) -> Trial:
        """The same, with a checkpoint of another folder."""
        return replace(self, exploits=self.exploits + 1)

    def event(self) -> Suggested:
        """What the log says of it."""
        return Suggested(
            trial=self.name,
            phase=self.phase,
            arm=self.arm,
            first=self.first,
            seeds=list(self.seeds),
            changes=dict(self.changes),
            key=self.key,
            setup=self.setup.to_dict(),
            config=self.setup.flat(),
            folder=self.folder,
            polish=polish_cost(self.setup, len(self.seeds)),
            costs=dict(self.costs),
            constraints=dict(self.violations),
            same_as=self.same_as,
            schedule=list(self.schedule),
        )
