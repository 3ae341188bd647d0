"""A study in the order in which results arrive: Ray Tune's own searcher and scheduler choose.

Both are told what the study's log holds: after a crash too, when they are made anew and hear it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ray.tune.schedulers import TrialScheduler

from studies.errors import StudyError
from studies.planning.plans.arrival import PENALTY, looked
from studies.planning.plans.search import SearchPlan
from studies.records.events import Ended, Event, Metrics, Reported, Suggested
from studies.records.log import read_log
from studies.tune.population import PopulationScheduler, PopulationSearcher
from studies.tune.ray_parts import Arrival, result_row
from studies.tune.tuning import Engine, PlanScheduler, PlanSearcher

_ATTEMPTS = 1000
"""At settings that are feasible, for each trial."""


class Heard:
    """What a searcher has been told; made anew from a log, it is told that again.

    Asked again, a searcher that has a seed suggests what the log says, and knows it then as it did.  One that
    does not is made once more, and told the results alone, where it can be.
    """

    def __init__(self, arrival: Arrival, events: Iterable[Event] = ()) -> None:
        self._arrival = arrival
        self._reports: dict[str, int] = {}
        self._ids: dict[str, str] = {}
        self.searcher = arrival.searcher()
        history = [event for event in events if not isinstance(event, Suggested) or event.phase == "search"]
        if not self._asked_again(history):
            self.searcher, self._reports = arrival.searcher(), {}
            self._add_points(history)

    def suggest(self, name: str) -> dict[str, Any] | str | None:
        """Settings, None for none now, or `Searcher.FINISHED`."""
        for attempt in range(_ATTEMPTS):
            known_as = f"{name}-{attempt}" if attempt else name
            config = self.searcher.suggest(known_as)
            if config is None or isinstance(config, str):
                return config
            changes = self._arrival.changes(config)
            if self._arrival.study.allows(changes):
                self._reports[name], self._ids[name] = 0, known_as
                return changes
            self.searcher.on_trial_complete(known_as, error=True)
        raise StudyError(f"the searcher found no settings that are feasible in {_ATTEMPTS} draws.")

    def result(self, name: str, metrics: Metrics) -> None:
        """A trial has reported and goes on."""
        if name in self._reports:
            self._reports[name] += 1
            self.searcher.on_trial_result(self._ids[name], result_row(metrics, self._reports[name]))

    def end(self, name: str, metrics: Metrics | None, *, failed: bool = False) -> None:
        """A trial has ended, or was stopped, where it was last measured."""
        if name in self._reports:
            last = None if metrics is None or failed else result_row(metrics, self._reports.pop(name) + 1)
            self._reports.pop(name, None)
            self.searcher.on_trial_complete(self._ids[name], last, error=failed)

    def _asked_again(self, events: Iterable[Event]) -> bool:
        """Whether it suggests what the log holds; it has heard all then."""
        last: dict[str, Metrics] = {}
        for event in events:
            if isinstance(event, Suggested):
                if self.suggest(event.trial) != event.changes:
                    return False
            elif isinstance(event, Reported):
                last[event.trial] = event.metrics
                if not event.metrics.final:
                    self.result(event.trial, event.metrics)
            elif isinstance(event, Ended):
                failed = event.status in ("failed", "interrupted")
                self.end(event.trial, last.get(event.trial), failed=failed)
        return True

    def _add_points(self, events: Iterable[Event]) -> None:
        """Results alone: trials that still run are unknown to it, and so is what it thought of them."""
        changes: dict[str, dict[str, Any]] = {}
        last: dict[str, Metrics] = {}
        for event in events:
            if isinstance(event, Suggested):
                changes[event.trial] = event.changes
            elif isinstance(event, Reported):
                last[event.trial] = event.metrics
            elif isinstance(event, Ended) and event.trial in changes and event.trial in last:
                value = min(last[event.trial].value, PENALTY)
                try:
                    self.searcher.add_evaluated_point(self._arrival.config(changes[event.trial]), value)
                except NotImplementedError:
                    name = type(self.searcher).__name__
                    self._arrival.tell(f"{name} cannot be told of earlier trials, and goes on without them.")
                    return


class ArrivalSearcher(PlanSearcher):
    """Gives out what a study's plan has (trials that were under way, confirmations), and otherwise what
    Tune's own searcher suggests."""

    def __init__(self, engine: Engine, heard: Heard) -> None:
        super().__init__(engine)
        self._heard = heard

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        given = super().suggest(trial_id)
        course, pool = self._engine.course, self._engine.pool
        plan = course.plan
        if given is not None or pool.starting or pool.idle <= 0 or not isinstance(plan, SearchPlan):
            return given
        search = plan.arrivals
        if search is None or not search.wanted:
            return None
        changes = self._heard.suggest(search.next_name)
        if changes is None:
            return None
        if isinstance(changes, str):
            plan.close()
            return super().suggest(trial_id)
        return self._give(course.offer(changes))


class ArrivalScheduler(PlanScheduler):
    """Asks Tune's own scheduler about each report of the search's trials, and tells Tune's searcher."""

    def __init__(
        self, engine: Engine, scheduler: TrialScheduler, heard: Heard, events: Iterable[Event]
    ) -> None:
        super().__init__(engine)
        self._scheduler = scheduler
        self._heard = heard
        self._counts: dict[str, int] = {}
        self._overdue: set[str] = set()
        """Trials that go on, and that the scheduler would have stopped, told results in another order."""
        self._past: dict[str, list[Metrics]] = {}
        for event in events:
            if isinstance(event, Reported) and self._searched(event.trial):
                self._past.setdefault(event.trial, []).append(event.metrics)

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        super().on_trial_add(tune_controller, trial)
        name, course = trial.config["trial"], self._engine.course
        for other in [each for each in self._past if not course.entry(each).running]:
            self._begin(tune_controller, other, Before(other))
        if self._searched(name):
            self._begin(tune_controller, name, trial)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        name, course = trial.config["trial"], self._engine.course
        metrics = self._news(name, result)
        action = super().on_trial_result(tune_controller, trial, result)
        if metrics is None or not self._searched(name):
            return action
        self._counts[name] += 1
        row = result_row(metrics, self._counts[name])
        if metrics.final:
            self._scheduler.on_trial_complete(tune_controller, trial, row)
            self._heard.end(name, metrics)
            return action
        # One that has stopped a trial may not be told of it again.
        stopped = name in self._overdue or self._stops(tune_controller, trial, row)
        course.decide(looked(name, metrics, stopped=stopped))
        if stopped:
            self._heard.end(name, metrics)
        else:
            self._heard.result(name, metrics)
        return action if course.entry(name).running else str(self.STOP)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        super().on_trial_error(tune_controller, trial)
        name = trial.config["trial"]
        if self._searched(name):
            self._scheduler.on_trial_error(tune_controller, trial)
            self._heard.end(name, None, failed=True)

    def _searched(self, name: str) -> bool:
        return self._engine.course.entry(name).spec.phase == "search"

    def _begin(self, tune_controller: Any, name: str, trial: Any) -> None:
        """Tells the scheduler of a trial, and what it had reported to an earlier process; what follows from
        that was decided then."""
        self._scheduler.on_trial_add(tune_controller, trial)
        self._counts[name] = 0
        for metrics in self._past.pop(name, []):
            self._counts[name] += 1
            row = result_row(metrics, self._counts[name])
            if metrics.final:
                self._scheduler.on_trial_complete(tune_controller, trial, row)
            elif name not in self._overdue and self._stops(tune_controller, trial, row):
                self._overdue.add(name)

    def _stops(self, tune_controller: Any, trial: Any, row: dict[str, Any]) -> bool:
        return bool(self._scheduler.on_trial_result(tune_controller, trial, row) == self.STOP)


def arrival_parts(engine: Engine, arrival: Arrival) -> tuple[PlanSearcher, PlanScheduler]:
    """The searcher and the scheduler of a study that goes by arrival, told what its log holds."""
    if arrival.population:
        population = PopulationScheduler(engine, arrival)
        return PopulationSearcher(engine, population), population
    events = read_log(engine.folder)
    heard = Heard(arrival, events)
    return ArrivalSearcher(engine, heard), ArrivalScheduler(engine, arrival.scheduler(), heard, events)


class Before:
    """As much of a trial of an earlier process as a scheduler looks at."""

    def __init__(self, name: str) -> None:
        self.trial_id, self.config, self.status = name, dict[str, Any](), "TERMINATED"
