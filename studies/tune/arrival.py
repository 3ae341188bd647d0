"""A study in the order in which results arrive: Ray Tune's own searcher and scheduler choose.

Both are told what the study's log holds: after a crash too, when they are made anew and hear it again, in the
same order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ray.tune.schedulers import TrialScheduler

from studies.planning.plans.arrival import Arrivals, looked
from studies.planning.plans.search import SearchPlan
from studies.planning.trial import Trial
from studies.records.events import (
    Decided,
    Ended,
    Event,
    Failed,
    Metrics,
    Paused,
    Reported,
    Resumed,
    Suggested,
)
from studies.records.log import read_log
from studies.tune.heard import Heard
from studies.tune.population import PopulationScheduler, PopulationSearcher
from studies.tune.private.stand_in import StandIn
from studies.tune.ray_parts import Arrival, ResultRows
from studies.tune.tuning import Engine, PlanScheduler, PlanSearcher


class ArrivalSearcher(PlanSearcher):
    """Gives out what Tune's scheduler has go on, what Tune's searcher suggests, and otherwise what a study's
    plan has: confirmations."""

    def __init__(self, engine: Engine, scheduler: ArrivalScheduler) -> None:
        super().__init__(engine)
        self._scheduler = scheduler

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        engine, pool = self._engine, self._engine.pool
        if not (engine.course.done or engine.halted or pool.starting) and pool.idle > 0:
            trial = self._scheduler.next()
            if trial is not None:
                return self._give(trial)
        return super().suggest(trial_id)


class ArrivalScheduler(PlanScheduler):
    """Asks Tune's own scheduler about each report of the search's trials, and tells Tune's searcher.

    A trial that it pauses gives up its worker.  When the scheduler says so it goes on from its checkpoint in
    any other, or ends where it stands.
    """

    def __init__(self, engine: Engine, arrival: Arrival) -> None:
        super().__init__(engine)
        plan = engine.course.plan
        assert isinstance(plan, SearchPlan)
        assert isinstance(plan.search, Arrivals)
        self._plan, self._search, self._study = plan, plan.search, arrival.study
        self._heard = Heard(arrival)
        self._trials = StandIn(arrival.scheduler(), plan.search.seeds[0], self._heard)
        self._row = ResultRows()
        self._rows: dict[str, dict[str, Any]] = {}
        """What each trial reported last, with what the scheduler added for the searcher."""
        self._undecided: dict[str, Metrics] = {}
        """Paused trials, as measured where they stand."""
        self._overdue: set[str] = set()
        """Trials that go on, and that the scheduler would have stopped, told results in another order."""
        events = read_log(engine.folder)
        self._hear(events)
        self._heard.catch_up(events)
        self._pending = self._settle(events)
        """Trials that were under way when the last process ended."""
        engine.course.withdraw(self._trials.members)

    def next(self) -> Trial | None:
        """The trial to train next: one that was under way, that goes on, or a new one; None for none now."""
        self._follow_course()
        course, trials = self._engine.course, self._trials
        while self._pending:
            first = self._pending.pop(0)
            if course.entry(first).running:
                return self._begin(first)
        name = self._choose(more=not self._search.exhausted)
        if name is None and not self._search.exhausted and trials.training < self._study.workers:
            changes = self._heard.suggest(self._search.next_name)
            if isinstance(changes, str):
                self._plan.close()
            elif changes is not None:
                return self._offer(changes)
        if name is None and not trials.training:
            # If all wait for one that is gone, the least trained goes on.
            name = self._choose(more=False) or trials.least_trained()
        if name is None or name in self._engine.pool.busy:
            return None
        if name in self._undecided:
            self._decide(name, self._undecided.pop(name), stopped=False)
        course.resume(name)
        return self._begin(name)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        name, course = trial.config["trial"], self._engine.course
        metrics = self._news(name, result)
        action = super().on_trial_result(tune_controller, trial, result)
        if metrics is None or name not in self._trials.members:
            return action
        row = self._rows[name] = self._row(metrics, len(course.entry(name).reports))
        if name in self._overdue:
            # One that has stopped a trial may not be told of it again.
            self._decide(name, metrics, stopped=True)
        elif metrics.final:
            self._trials.end(name, row)
            self._heard.end(name, row)
        else:
            self._follow(name, metrics, self._trials.hear(name, row))
        self._end_stopped()
        return action if course.entry(name).running and not course.entry(name).paused else str(self.STOP)

    def _follow(self, name: str, metrics: Metrics, action: str) -> None:
        """Logs what the scheduler said to a report, and tells the searcher."""
        if action == TrialScheduler.STOP:
            self._decide(name, metrics, stopped=True)
            return
        if action == TrialScheduler.PAUSE:
            self._undecided[name] = metrics
            self._engine.course.pause(name)
        else:
            self._decide(name, metrics, stopped=False)
        self._heard.result(name, self._rows[name])

    def _decide(self, name: str, metrics: Metrics, *, stopped: bool) -> None:
        self._engine.course.decide(looked(name, metrics, stopped=stopped))
        if stopped:
            self._heard.end(name, self._rows[name])

    def _choose(self, *, more: bool) -> str | None:
        name = self._trials.choose(more=more)
        self._end_stopped()
        return name

    def _begin(self, name: str) -> Trial:
        self._trials.begin(name)
        return self._engine.course.trial(name)

    def _offer(self, changes: dict[str, Any]) -> Trial:
        trial = self._engine.course.offer(changes)
        self._trials.add(trial.name, changes)
        self._trials.begin(trial.name)
        return trial

    def _end_stopped(self) -> None:
        """Ends paused trials that the scheduler has stopped, where they stand."""
        for name in self._trials.take_stopped():
            if name in self._undecided:
                self._decide(name, self._undecided.pop(name), stopped=True)

    def _follow_course(self) -> None:
        """Tells scheduler and searcher of trials that have failed, or were cut off."""
        for member in self._trials.get_live_trials():
            name = member.trial_id
            entry = self._engine.course.entry(name)
            if not entry.running:
                self._undecided.pop(name, None)
                self._give_up(name, failed=entry.error is not None)
        self._end_stopped()

    def _give_up(self, name: str, *, failed: bool) -> None:
        self._heard.end(name, None, failed=True)
        if failed:
            self._trials.fail(name)
        else:
            self._trials.stop(name)

    def _hear(self, events: Iterable[Event]) -> None:
        """Tells scheduler and searcher what the log holds; what was done then counts, whatever they say."""
        trials, counts = self._trials, dict[str, int]()
        at_once = _stopped_at_once(events)
        for event in events:
            name = getattr(event, "trial", "")
            if isinstance(event, Suggested) and event.phase == "search":
                self._heard.repeat(name, event.changes)
                trials.add(name, event.changes)
                trials.begin(name)
                counts[name] = 0
            if name not in counts:
                continue
            live = not trials.members[name].is_finished()
            if isinstance(event, Reported):
                counts[name] += 1
                row = self._rows[name] = self._row(event.metrics, counts[name])
                if live and event.metrics.final:
                    trials.end(name, row)
                elif live:
                    trials.hear(name, row)
                if not event.metrics.final and (name, event.metrics.iterations) not in at_once:
                    self._heard.result(name, row)
            elif isinstance(event, Paused) and live:
                trials.pause(name)
            elif isinstance(event, Resumed) and live:
                trials.resume(name)
            elif isinstance(event, Failed) and live:
                self._give_up(name, failed=True)
            elif isinstance(event, Ended):
                failed = event.status in ("failed", "interrupted")
                self._heard.end(name, self._rows.get(name), failed=failed)
                if live and trials.members[name].paused and not failed:
                    trials.choose(more=False)  # which may have stopped it then, too
                if not trials.members[name].is_finished():
                    trials.stop(name)

    def _settle(self, events: Iterable[Event]) -> list[str]:
        """Does what follows from the last reports and is not in the log; the trials that are to go on."""
        self._trials.take_stopped()
        pending: list[str] = []
        decided = {(event.trial, event.rung) for event in events if isinstance(event, Decided)}
        for name, member in self._trials.members.items():
            entry = self._engine.course.entry(name)
            if not entry.running:
                continue
            metrics = entry.reports[max(entry.reports)] if entry.reports else None
            if metrics is None or (name, metrics.iterations) in decided:
                if member.is_finished():
                    self._overdue.add(name)
                if not (member.paused and entry.paused):
                    pending.append(name)
            elif member.is_finished():
                self._decide(name, metrics, stopped=True)
            elif member.paused:
                self._undecided[name] = metrics
                if not entry.paused:
                    self._engine.course.pause(name)
            else:
                self._decide(name, metrics, stopped=False)
                pending.append(name)
        return pending


def arrival_parts(engine: Engine, arrival: Arrival) -> tuple[PlanSearcher, PlanScheduler]:
    """The searcher and the scheduler of a study that goes by arrival, told what its log holds."""
    if arrival.population:
        population = PopulationScheduler(engine, arrival)
        return PopulationSearcher(engine, population), population
    scheduler = ArrivalScheduler(engine, arrival)
    return ArrivalSearcher(engine, scheduler), scheduler


def _stopped_at_once(events: Iterable[Event]) -> set[tuple[str, int]]:
    """Trials and rungs at which they were stopped when they reported: searchers hear of their ends alone."""
    stopped = {(event.trial, event.rung) for event in events if isinstance(event, Decided) and event.stopped}
    return stopped - {(event.trial, event.iterations) for event in events if isinstance(event, Paused)}
