"""Trials of one setup: the first is trained, and the others take its results."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from dgm_core import Setup
from studies.records.events import Ended, Metrics


@dataclass(frozen=True)
class Fate:
    """How a trial ended: with what it was measured last, where that counts, and what it reported before."""

    event: Ended
    metrics: Metrics | None
    looks: tuple[Metrics, ...]


@dataclass
class Twins:
    """Which trials have the setup of an earlier one, and how that ended."""

    _firsts: dict[str, str] = field(default_factory=dict)  # setup -> its first trial
    _same: dict[str, str] = field(default_factory=dict)  # trial -> the first of its setup
    _looks: dict[str, list[Metrics]] = field(default_factory=dict)
    _fates: dict[str, Fate] = field(default_factory=dict)

    def first(self, name: str, setup: Setup) -> str | None:
        """The earlier trial whose results a new one takes; None where it is the first of its setup."""
        key = json.dumps(setup.to_dict(), sort_keys=True, default=str)
        first = self._firsts.setdefault(key, name)
        if first == name:
            return None
        self._same[name] = first
        return first

    def __contains__(self, name: str) -> bool:
        return name in self._same

    def looked(self, name: str, metrics: Metrics) -> None:
        """A trial has passed a rung."""
        self._looks.setdefault(name, []).append(metrics)

    def ended(self, event: Ended, metrics: Metrics | None) -> list[str]:
        """A trial has ended: those that end with it."""
        self._fates[event.trial] = Fate(event, metrics, tuple(self._looks.pop(event.trial, ())))
        return [name for name, first in self._same.items() if first == event.trial]

    def has_ended(self, name: str) -> bool:
        """Whether the one that a trial follows has."""
        return self._same[name] in self._fates

    def end_of(self, name: str) -> Fate:
        """How the one that a trial follows ended."""
        return self._fates[self._same[name]]
