"""Which trials this process has workers for, which of them wait, and how many cores have nothing to do."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any


class WorkerPool:
    """Trials by name: those that have a worker, or were given out to get one, and those that wait at a rung.

    cores: that train; alone: they are this machine's, and no others come.  `seen` holds what each said last,
    for whoever watches.  By the monotonic clock `since` is when the first trial said anything, and `heard`
    when the last did.
    """

    def __init__(self, cores: int, *, alone: bool = False) -> None:
        self.cores = cores
        self.latest: dict[str, Mapping[str, Any]] = {}
        self.since: float | None = None
        self.heard = time.monotonic()
        self.alone = alone
        self._given: set[str] = set()
        self._moving: set[str] = set()
        self._waiting: dict[str, Any] = {}
        self._words: dict[str, float] = {}

    @property
    def idle(self) -> int:
        """Cores with nothing to train; one where there is none yet, so that a cluster is asked for some."""
        return max(0, max(1, self.cores) - (len(self._given) - len(self._waiting)))

    @property
    def starting(self) -> bool:
        """Whether every core of this machine has a worker that has said nothing yet, in whose way more would
        be."""
        return self.alone and self.since is None and not self.idle

    @property
    def busy(self) -> set[str]:
        """Trials that have a worker."""
        return set(self._given)

    @property
    def waiting(self) -> dict[str, Any]:
        """Those that stand at a rung, with what stands for them at Tune."""
        return dict(self._waiting)

    @property
    def moving(self) -> bool:
        """Whether workers are not to be used again: a node has joined that has none yet."""
        return bool(self._moving & self._given)

    def spread(self) -> None:
        """A node has joined: the workers of now are not used for other trials."""
        self._moving = set(self._given)

    def hear(self, name: str, report: Mapping[str, Any]) -> None:
        """A trial says how far it is."""
        self.latest[name] = report
        self.heard = time.monotonic()
        self._words[name] = self.heard
        if self.since is None:
            self.since = self.heard

    def give(self, name: str) -> None:
        """A trial is given to a worker."""
        self._given.add(name)

    def hold(self, name: str, trial: Any) -> None:
        """A trial waits."""
        self._waiting[name] = trial

    def release(self, name: str) -> None:
        """A trial goes on, or is about to be taken away."""
        if self._waiting.pop(name, None) is not None:
            self._words[name] = time.monotonic()

    def silences(self) -> dict[str, float]:
        """Seconds for which each trial that trains has said nothing, from its worker's first word on."""
        now = time.monotonic()
        training = self._given - self._waiting.keys()
        return {name: now - self._words[name] for name in sorted(training & self._words.keys())}

    def restart(self, name: str) -> None:
        """A trial's worker is lost, and another is about to take it."""
        self._words.pop(name, None)

    def take(self, name: str) -> None:
        """A trial has no worker any more."""
        self._given.discard(name)
        self._waiting.pop(name, None)
        self._words.pop(name, None)
