"""What is known of a study's trials: its events, folded."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studies.records.events import (
    Began,
    Cut,
    Decided,
    Ended,
    Event,
    Exploited,
    Failed,
    Left,
    Metrics,
    Opened,
    Paused,
    Polishing,
    Reported,
    Resumed,
    Retried,
    Silent,
    Status,
    Suggested,
)
from studies.records.log import LOG, LogError, read_log
from studies.records.schema import AFTER

_QUARTERS = 4
"""Parts of a polish, of each of which the log has a line."""


@dataclass
class Entry:
    """One trial: what it was asked, and how far it came.

    measured: at its last rung or end, or later where the study was left in order.  Times are seconds since
    the study began.
    """

    spec: Suggested
    started: float
    ended: float | None = None
    status: Status | None = None
    rung: int | None = None
    reports: dict[int, Metrics] = field(default_factory=dict)
    measured: Metrics | None = None
    retries: int = 0
    error: str | None = None
    silent_since: float | None = None
    """Seconds since the epoch, where its worker has said nothing for long."""
    polishing: Polishing | None = None
    """How far its polish was when the log last said so; None where it is not polishing."""
    paused: bool = False
    """Whether it has given up its worker, and waits until its scheduler has it go on."""
    exploits: list[Exploited] = field(default_factory=list)
    """Where it took over another trial of its population: what it had reported then is that trial's."""

    @property
    def trial(self) -> str:
        """Its name, unique in the run."""
        return self.spec.trial

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.status is None

    def polish_news(self, iterations: int, done: int, of: int) -> Polishing | None:
        """What to log of a polish, `done` of `of` steps long: its beginning and each quarter."""
        last, told = self.polishing, -1
        if last is not None and last.iterations == iterations:
            told = _QUARTERS * last.done // last.of
        if _QUARTERS * done // of <= told:
            return None
        return Polishing(trial=self.trial, iterations=iterations, done=done, of=of)

    @property
    def trained(self) -> bool:
        """Whether nothing is left to train: it has ended, failed, or reported its own end."""
        return not self.running or self.error is not None or any(m.final for m in self.reports.values())

    @property
    def asked(self) -> int:
        """Iterations of its own end."""
        return int(self.spec.config["iterations"])

    @property
    def score(self) -> float:
        """As measured last, infinite where it was not or is not finite."""
        return math.inf if self.measured is None else self.measured.value

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest score among its replicates, infinite where one diverged."""
        scores = [] if self.measured is None else self.measured.replicates.scores
        values = [math.inf if score is None else score for score in scores]
        return min(values, default=math.inf), max(values, default=math.inf)

    @property
    def telemetry(self) -> dict[str, float]:
        """As last reported, by column (see TELEMETRY_COLUMNS); empty where it was not."""
        known = None if self.measured is None else self.measured.telemetry
        return {} if known is None else known.model_dump()

    @property
    def iterations(self) -> int:
        """Run, as far as they count; of a trial that took over another, that one's before."""
        return 0 if self.measured is None else self.measured.iterations

    @property
    def worked(self) -> int:
        """Iterations that were run for it: not those of trials that it took over, but what it dropped."""
        return self.iterations + sum(each.dropped - each.iteration for each in self.exploits)

    @property
    def points(self) -> int:
        """Training points seen on the way to where it is."""
        size = int(self.spec.config["batch_size"])
        steps = [(step.iteration, step.settings.get("batch_size", size)) for step in self.spec.schedule]
        ends = [*(iteration for iteration, _ in steps[1:]), self.iterations]
        parts = zip(steps or [(0, size)], ends, strict=True)
        return sum(max(0, min(end, self.iterations) - start) * int(each) for (start, each), end in parts)


class History:
    """A study's state, event by event.

    Raises ValueError for an event that contradicts those before it: of a trial that was never suggested, say.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.entries: dict[str, Entry] = {}
        self.decisions: list[Decided] = []
        self.sessions: list[tuple[float, float]] = []
        """Begin and last event of every process that ran the study, seconds since the epoch."""
        self._worked: dict[int, tuple[float, float]] = {}
        self.cut = False
        self.state: str | None = None
        """As in study.json; "running" while no process has said that it left."""
        self.finished = False
        """Whether a process has ever left the study finished; a trial may have been revived since."""
        self.dashboard: str | None = None
        """Where Ray shows the last process that ran the study; None where it does not."""
        for event in events:
            self.fold(event)

    @property
    def began(self) -> float:
        """When the study did, seconds since the epoch."""
        return self.sessions[0][0] if self.sessions else 0.0

    @property
    def seconds(self) -> float:
        """For which it ran, the time between two processes not counted."""
        return sum(last - first for first, last in self.sessions)

    @property
    def trained(self) -> float:
        """Seconds from every process's first event of a trial to its last; starts do not count."""
        return sum(last - first for first, last in self._worked.values())

    def phase(self, *phases: str) -> list[Entry]:
        """The trials of some phases, in the order in which the log has them."""
        return [entry for entry in self.entries.values() if entry.spec.phase in phases]

    @property
    def setups(self) -> dict[str, dict[str, Any]]:
        """Trial -> problem and configuration, as last."""
        return {name: entry.spec.setup for name, entry in self.entries.items()}

    @property
    def schedules(self) -> dict[str, list[dict[str, Any]]]:
        """Trial -> the settings that changed on its way, of those that have any."""
        scheduled = [entry.spec for entry in self.entries.values() if entry.spec.schedule]
        return {spec.trial: [step.model_dump() for step in spec.schedule] for spec in scheduled}

    @property
    def best(self) -> Entry | None:
        """The completed trial of the lowest score, of equal ones the first; what comes after not counted."""
        done = [
            entry
            for entry in self.entries.values()
            if entry.status == "completed" and entry.spec.phase not in AFTER
        ]
        return min(done, key=lambda entry: entry.score, default=None)

    @property
    def rungs(self) -> dict[int, tuple[int, int]]:
        """Rung -> how many trials were looked at there, and how many of them stopped."""
        counts: dict[int, tuple[int, int]] = {}
        for decided in self.decisions:
            looked, stopped = counts.get(decided.rung, (0, 0))
            counts[decided.rung] = looked + 1, stopped + decided.stopped
        return dict(sorted(counts.items()))

    def fold(self, event: Event) -> None:
        """Takes in the next event."""
        match event:
            case Began():
                self.sessions.append((event.time, event.time))
                self.state, self.dashboard = "running", None
            case Opened():
                self.dashboard = event.dashboard
            case Suggested():
                self.entries[event.trial] = Entry(event, event.time - self.began)
            case Decided():
                self.decisions.append(event)
            case Cut():
                self.cut = True
            case Exploited():
                self._take_over(event)
            case Left():
                self.state = event.state
                self.finished |= event.state == "finished"
                for trial, metrics in event.measured.items():
                    self._entry(trial).measured = _of(self._entry(trial), metrics)
            case Paused() | Resumed() | Reported() | Retried() | Silent() | Polishing() | Failed() | Ended():
                self._fold_trial(event, self._entry(event.trial))
        if self.sessions:
            self.sessions[-1] = (self.sessions[-1][0], max(self.sessions[-1][1], event.time))
        if self.sessions and not isinstance(event, Began | Opened):
            first, _ = self._worked.get(len(self.sessions), (event.time, event.time))
            self._worked[len(self.sessions)] = (first, event.time)

    def _fold_trial(
        self,
        event: Paused | Resumed | Reported | Retried | Silent | Polishing | Failed | Ended,
        entry: Entry,
    ) -> None:
        entry.silent_since = None
        entry.paused = isinstance(event, Paused)
        if not isinstance(event, Silent):
            entry.polishing = event if isinstance(event, Polishing) else None
        match event:
            case Reported():
                entry.measured = _of(entry, event.metrics)
                entry.reports[event.metrics.iterations] = event.metrics
            case Retried():
                entry.retries += 1
            case Silent():
                entry.silent_since = event.time - event.seconds if event.seconds else None
            case Failed():
                entry.error = event.error
            case Ended():
                entry.status, entry.rung = event.status, event.rung
                entry.ended = event.time - self.began
                # What was trained beyond, waiting for its end to be decided, does not count.
                if event.iterations and event.iterations not in entry.reports:
                    raise ValueError(f"the trial {event.trial!r} never reported at {event.iterations}")
                entry.measured = entry.reports.get(event.iterations)

    def _take_over(self, event: Exploited) -> None:
        entry, source = self._entry(event.trial), self._entry(event.source)
        kept = ("changes", "setup", "config", "folder", "schedule")
        entry.spec = entry.spec.model_copy(update={key: getattr(event, key) for key in kept})
        entry.reports = {at: told for at, told in source.reports.items() if at <= event.iteration}
        entry.measured = entry.reports.get(event.iteration)
        entry.exploits.append(event)

    def _entry(self, trial: str) -> Entry:
        if trial not in self.entries:
            raise ValueError(f"the trial {trial!r} was never suggested")
        return self.entries[trial]


def _of(entry: Entry, metrics: Metrics) -> Metrics:
    """Metrics that have as many replicates as their trial.  Raises ValueError for others."""
    if len(metrics.replicates.status) != len(entry.spec.seeds):
        raise ValueError(f"the trial {entry.trial!r} reported other replicates than it has seeds")
    return metrics


def read_history(folder: Path) -> History:
    """The state of a run, from its log.  Raises LogError where that is damaged."""
    events = read_log(folder)
    try:
        return History(events)
    except ValueError as error:
        raise LogError(f"{folder / LOG} contradicts itself: {error}.") from None
