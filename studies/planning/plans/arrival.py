"""The trials of a search in the order in which results arrive: what comes next is somebody else's to say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from dgm_core import Setup
from studies.planning.plans.base import Known, ended
from studies.planning.plans.search_trials import SearchTrials
from studies.planning.trial import Trial
from studies.records.events import Decided, Ended, Event, Exploited, Metrics
from studies.study import Search


class Arrivals(SearchTrials):
    """Trials whose settings it is offered, and which it is told to stop.

    It is not a function of the seed: what was offered and decided is in the log, which restores it.
    """

    def __init__(self, study: Search, seed: int, known: Known) -> None:
        super().__init__(study, seed, known)
        self._reports: dict[str, Metrics] = {}
        self._running: set[str] = set()
        self._closed = False
        self._cut = False

    @property
    def exhausted(self) -> bool:
        """Whether no more trials can be offered."""
        return self._closed or self._cut or len(self._trials) == self._study.trials

    @property
    def next_name(self) -> str:
        """Of the trial that is offered next."""
        return f"{len(self._trials) + 1:03d}"

    @property
    def done(self) -> bool:
        return self.exhausted and not self._running

    def close(self) -> None:
        """No more trials will be offered."""
        self._closed = True

    def offer(self, changes: Mapping[str, Any]) -> Trial:
        """The next trial, of the base with some settings changed.  Raises ConfigurationError."""
        index, name = len(self._trials), self.next_name
        setup = self._study.base.changed(changes)
        rungs = self._rungs(setup)
        trial = Trial(name, "search", index, setup, self._seeds, key="base", changes=changes, rungs=rungs)
        self._trials[name] = trial
        self._running.add(name)
        return trial

    def ready(self) -> Iterator[Trial]:
        return iter(())

    def take(self, name: str) -> Trial:
        if name != self.next_name or name not in self._known:
            raise KeyError(name)
        return self.offer(self._known[name])

    def owns(self, name: str) -> bool:
        return name in self._trials

    def report(self, name: str, metrics: Metrics) -> list[Event]:
        self._reports[name] = metrics
        if not metrics.final or name not in self._running:
            return []
        self._running.remove(name)
        event = ended(name, metrics)
        if event.status == "completed":
            self.completed[name] = metrics
        return [event, *self._interrupted()]

    def decide(self, decided: Decided) -> list[Event]:
        """Early stopping has looked at a trial."""
        if not decided.stopped or decided.trial not in self._running:
            return []
        self._running.remove(decided.trial)
        event = ended(decided.trial, self._reports[decided.trial], rung=decided.rung)
        if event.status == "stopped":
            self.stopped[decided.trial] = self._trials[decided.trial], decided.rung
        return [event]

    def exploit(self, event: Exploited) -> Trial:
        """A trial goes on from another's weights, with the event's settings: the trial as it is then."""
        setup, before = Setup.from_dict(event.setup), self._trials[event.trial]
        self._trials[event.trial] = trial = replace(
            before.again,
            setup=setup,
            changes=event.changes,
            rungs=self._rungs(setup),
            schedule=tuple(event.schedule),
            origin=event.origin,
        )
        self._reports.pop(event.trial, None)
        if event.source in self._reports:
            self._reports[event.trial] = self._reports[event.source]
        return trial

    def fail(self, name: str) -> list[Event]:
        self._running.discard(name)
        return [Ended(trial=name, status="failed", iterations=self._iterations(name))]

    def cut(self) -> list[Event]:
        """Ends the search as soon as a trial has completed; what was trained by then counts."""
        self._cut = True
        return self._interrupted()

    def _interrupted(self) -> list[Event]:
        if not self._cut or not self.completed:
            return []
        names, self._running = sorted(self._running), set()
        return [Ended(trial=each, status="interrupted", iterations=self._iterations(each)) for each in names]

    def _rungs(self, setup: Setup) -> tuple[int, ...]:
        return tuple(range(self._study.grace_period, setup.config.iterations, self._study.grace_period))

    def _iterations(self, name: str) -> int:
        return self._reports[name].iterations if name in self._reports else 0


def looked(trial: str, metrics: Metrics, *, stopped: bool) -> Decided:
    """A look whose grounds are not known: those of a scheduler of Ray's."""
    score = metrics.value if math.isfinite(metrics.value) else None
    return Decided(
        trial=trial,
        rung=metrics.iterations,
        score=score,
        cutoff=None,
        bounded=True,
        recorded=0,
        stopped=stopped,
    )
