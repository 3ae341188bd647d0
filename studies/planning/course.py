"""A study on its way: its plan, and the log that holds all the plan was ever told."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dgm_core import Setup
from studies.errors import StudyError
from studies.planning.plans import StudyPlan
from studies.planning.trial import Trial
from studies.records.events import (
    Cut,
    Decided,
    Ended,
    Event,
    Exploited,
    Failed,
    Metrics,
    Paused,
    Reported,
    Resumed,
    Retried,
    Silent,
    Suggested,
)
from studies.records.history import Entry, History
from studies.records.log import Log

ALIKE = 3
"""Failures of one cause, with nothing that worked, after which a study stops."""


class Course:
    """Tells a plan what happens and the log both that and what follows, before anyone acts on it.

    events: those of the log so far.  The plan is told them again, so that it stands where it stood when the
    last process died; trials that were under way then are the first to be started.  Raises StudyError
    where the log is not that of this study.
    """

    def __init__(self, plan: StudyPlan, log: Log, events: Sequence[Event] = ()) -> None:
        self.plan = plan
        self.history = History(events)
        self._log = log
        self._trials: dict[str, Trial] = {}
        self._log_owed(events)
        self._again = deque(name for name, entry in self.history.entries.items() if not entry.trained)

    @property
    def done(self) -> bool:
        """Whether nothing is left to train."""
        return self.plan.done

    @property
    def cause(self) -> str | None:
        """The one cause of all failures, where there are enough of them and nothing has worked."""
        entries = self.history.entries.values()
        causes = [entry.error for entry in entries if entry.error is not None]
        worked = any(entry.reports for entry in entries)
        return causes[0] if len(causes) >= ALIKE and len(set(causes)) == 1 and not worked else None

    def append(self, events: Iterable[Event]) -> None:
        """Logs events and takes them into the history."""
        for event in self._log.append(events):
            self.history.fold(event)

    def startable(self, idle: int) -> bool:
        """Whether `next` has a trial."""
        return idle > 0 and (bool(self._again) or next(self.plan.ready(), None) is not None)

    def next(self, idle: int) -> Trial | None:
        """A trial to start, where `idle` cores have nothing to train; None where there is none now."""
        if idle <= 0:
            return None
        if self._again:
            return self._trials[self._again.popleft()]
        ready = next(self.plan.ready(), None)
        if ready is None:
            return None
        self.append([ready.event()])
        self._trials[ready.name] = self.plan.take(ready.name)
        return ready

    def offer(self, changes: Mapping[str, Any]) -> Trial:
        """A trial to start, of somebody else's choice.  Raises ConfigurationError for what is not allowed."""
        trial = self.plan.offer(changes)
        self.append([trial.event()])
        self._trials[trial.name] = trial
        return trial

    def decide(self, decided: Decided) -> None:
        """Somebody else's early stopping has looked at a trial."""
        self.append([decided, *self.plan.decide(decided)])

    def exploit(self, event: Exploited) -> None:
        """A trial goes on from another's weights, with other settings."""
        self.append([event])
        self._trials[event.trial] = self.plan.exploit(event)

    def pause(self, name: str) -> None:
        """A trial gives up its worker where it was last measured, until somebody else has it go on."""
        self.append([Paused(trial=name, iterations=self.entry(name).iterations)])

    def resume(self, name: str) -> None:
        """A trial that was paused goes on."""
        self.append([Resumed(trial=name)])

    def withdraw(self, names: Iterable[str]) -> None:
        """Trials that were under way are somebody else's to start."""
        taken = set(names)
        self._again = deque(name for name in self._again if name not in taken)

    def report(self, name: str, metrics: Metrics) -> None:
        """A trial reached a rung or its end; what it has reported before is passed over."""
        entry = self.history.entries[name]
        if metrics.iterations in entry.reports or not entry.running:
            return
        follows = self.plan.report(name, metrics)
        self.append([Reported(trial=name, metrics=metrics), *follows])

    def retry(self, name: str, error: str) -> None:
        """A trial goes back to its last checkpoint."""
        self.append([Retried(trial=name, error=error)])

    def silent(self, name: str, seconds: float) -> None:
        """A trial's worker has said nothing for so long; 0 where it was heard again."""
        self.append([Silent(trial=name, seconds=seconds)])

    def polishing(self, name: str, iterations: int, done: int, of: int) -> None:
        """A trial polishes what it trained, and is `done` of `of` steps far."""
        entry = self.history.entries[name]
        news = entry.polish_news(iterations, done, of) if entry.running else None
        if news is not None:
            self.append([news])

    def trial(self, name: str) -> Trial:
        """A trial that was started."""
        return self._trials[name]

    def fail(self, name: str, error: str, traceback: str | None) -> None:
        """A trial was given up."""
        if self.history.entries[name].running:
            follows = self.plan.fail(name)
            self.append([Failed(trial=name, error=error, traceback=traceback), *follows])

    def cut(self) -> None:
        """The search's time is up."""
        self.append([Cut(), *self.plan.cut()])

    def waits(self, name: str) -> bool:
        """Whether a trial stands at a rung whose decision needs results of others."""
        return self.entry(name).running and self.plan.waits(name)

    def entry(self, name: str) -> Entry:
        """What is known of a trial that was started."""
        return self.history.entries[name]

    def _log_owed(self, events: Sequence[Event]) -> None:
        """Tells the plan what the log holds, and the log what follows from it where a crash came between."""
        owed: list[Event] = []
        for event in events:
            try:
                owed += self._replay(event)
            except (KeyError, StopIteration):
                raise StudyError(
                    f"the log of this run says {event.event!r} of a trial that this program would not have "
                    "started: it was written by another version, or altered."
                ) from None
        logged = {_key(event) for event in events}
        self.append(event for event in owed if _key(event) not in logged)

    def _replay(self, event: Event) -> list[Event]:
        match event:
            case Suggested():
                trial = self.plan.take(event.trial)
                # Settings that are newer than the log have the values that it was written with.
                if trial.setup != Setup.from_dict(event.setup) or list(trial.seeds) != event.seeds:
                    raise StudyError(
                        f"the trial {event.trial} of this run's log has other settings than this program "
                        "gives it: it was written by another version, or altered."
                    )
                self._trials[event.trial] = trial
            case Reported():
                return self.plan.report(event.trial, event.metrics)
            case Decided():
                return self.plan.decide(event)
            case Exploited():
                self._trials[event.trial] = self.plan.exploit(event)
            case Failed():
                return self.plan.fail(event.trial)
            case Cut():
                return self.plan.cut()
        return []


def _key(event: Event) -> tuple[str, str, int | None]:
    """What tells a suggestion, a report, a decision or an end from another."""
    if isinstance(event, (Decided, Ended)):
        return event.event, event.trial, event.rung
    if isinstance(event, Suggested):
        return event.event, event.trial, None
    if isinstance(event, Reported):  # of a trial that takes another's results
        return event.event, event.trial, event.metrics.iterations
    return event.event, "", None
