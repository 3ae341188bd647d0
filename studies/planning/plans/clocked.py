"""The trials of a search in the order of its logical clock: suggestions and early stopping."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from studies.cost import training_times
from studies.objectives import costs
from studies.planning.clock import Clock, MakeClock, ScheduledTrial
from studies.planning.plans.base import Known, ended
from studies.planning.plans.search_trials import SearchTrials
from studies.planning.plans.twins import Twins
from studies.planning.suggesting import Suggestions
from studies.planning.trial import Trial
from studies.records.events import Decided, Ended, Event, Metrics, Reported, Status
from studies.study import Search


class ClockedTrials(SearchTrials):
    """The trials of a search, in the order of its clock.

    What a trial reports is kept until the clock comes to it: then it is compared, and a suggestion that
    follows knows it.

    A trial that has the setup of an earlier one is not trained: it ends as that ends, when that ends, and
    takes no time of the clock.

    Two limits end it before all trials have been suggested: its budget, when the clock comes to it, and a
    `cut` from outside.  Nothing is suggested any more then, and once a trial has completed (whatever else
    happens, there is to be one) those under way are interrupted.
    """

    def __init__(self, study: Search, seed: int, known: Known, clock: MakeClock = Clock) -> None:
        super().__init__(study, seed, known)
        self._clock = clock(study.workers)
        self._rule = study.make_rule()
        self._suggestions = Suggestions(
            study.space,
            study.make_sampler(),
            seed=seed,
            allows=study.allows if study.limits else None,
            violations=study.violations if study.limits else None,
            start_from=[start for start in study.start_from if isinstance(start, Mapping)],
            priors=study.priors,
            objectives=len(study.objectives),
        )
        self._ready: dict[str, Trial] = {}
        self._reports: dict[str, dict[int, Metrics]] = {}
        self._failed: set[str] = set()
        self._unbegun: dict[str, Trial] = {}
        self._twins = Twins()
        self._cut = False
        self._over = False
        self._fill()  # nothing has ended that a twin could follow

    @property
    def exhausted(self) -> bool:
        """Whether no more suggestions will come."""
        return self._cut or self._over or self._spent or len(self._trials) == self._study.trials

    @property
    def _spent(self) -> bool:
        """Whether the clock has passed the budget."""
        return self._beyond(self._clock.now)

    def _beyond(self, now: float) -> bool:
        budget = self._study.budget
        return budget is not None and now > 1e3 * budget

    @property
    def done(self) -> bool:
        return self.exhausted and not self._clock.scheduled

    def ready(self) -> Iterator[Trial]:
        return iter(list(self._ready.values()))

    def take(self, name: str) -> Trial:
        if name in self._twins:
            return self._trials[name]
        return self._unbegun.pop(name) if name in self._unbegun else self._ready.pop(name)

    def owns(self, name: str) -> bool:
        return name in self._trials

    def report(self, name: str, metrics: Metrics) -> list[Event]:
        if name in self._twins:  # as its log says: it follows from what the first one reported
            return []
        self._reports[name][metrics.iterations] = metrics
        return self._advance()

    def fail(self, name: str) -> list[Event]:
        self._failed.add(name)
        return self._advance()

    def waits(self, name: str) -> bool:
        scheduled = self._clock.scheduled.get(name)
        return scheduled is not None and scheduled.stop in self._reports[name]

    def cut(self) -> list[Event]:
        """Ends the search as soon as a trial has completed; what was trained by then counts."""
        self._cut = True
        return self._interrupt() if self._has_completed() else []

    def _advance(self) -> list[Event]:
        """Lets the clock run as far as the reports allow."""
        events: list[Event] = []
        while (scheduled := self._clock.next()) is not None:
            if (self._cut and self._has_completed()) or (self._beyond(scheduled.due) and self.completed):
                return events + self._interrupt()
            answer = self._answer(scheduled)
            if answer is not None:
                events += self._pass(scheduled, answer)
            elif scheduled.trial in self._failed:
                self._clock.end(scheduled)
                self._suggestions.fail(self._number(scheduled))
                self._rule.end(self._number(scheduled), scheduled.last, None)
                events += self._end(Ended(trial=scheduled.trial, status="failed", iterations=scheduled.last))
            else:
                break
            events += self._fill()
        return events

    def _has_completed(self) -> bool:
        """Whether a trial has, though the clock may not have come to it."""
        finals = (metrics for reports in self._reports.values() for metrics in reports.values())
        return bool(self.completed) or any(each.final and not each.diverged for each in finals)

    def _interrupt(self) -> list[Event]:
        """Ends all trials where they are: of a budget where the clock is, that it is the same everywhere."""
        self._over = True
        events: list[Event] = []
        while (scheduled := self._clock.next()) is not None:
            reports = self._reports[scheduled.trial]
            last = max(reports, default=0) if self._cut else scheduled.last
            if last and reports[last].final:
                self._clock.end(scheduled)
                events += self._finish(scheduled, reports[last])
                continue
            self._clock.drop(scheduled)
            if scheduled.trial in self._ready:  # whether it has begun is the machine's affair: it is told of
                self._unbegun[scheduled.trial] = self._ready.pop(scheduled.trial)
                events.append(self._trials[scheduled.trial].event())
            status: Status = "failed" if scheduled.trial in self._failed else "interrupted"
            events += self._end(Ended(trial=scheduled.trial, status=status, iterations=last))
        return events

    def _answer(self, scheduled: ScheduledTrial) -> Metrics | None:
        """What a trial reported where the clock is next; one that diverged on the way ended before."""
        reports = self._reports[scheduled.trial]
        final = next((metrics for metrics in reports.values() if metrics.final), None)
        return reports.get(scheduled.stop, final)

    def _pass(self, scheduled: ScheduledTrial, metrics: Metrics) -> list[Event]:
        number = self._number(scheduled)
        if metrics.final:
            self._clock.end(scheduled)
            return self._finish(scheduled, metrics)
        decided = self._look(scheduled, metrics.value)
        self._suggestions.report(number, metrics)
        self._twins.looked(scheduled.trial, metrics)
        if not decided.stopped:
            self._clock.pass_by(scheduled)
            return [decided]
        self._clock.end(scheduled)
        self._suggestions.stop(number)
        if not metrics.diverged:
            self.stopped[scheduled.trial] = self._trials[scheduled.trial], scheduled.stop
        return [decided, *self._end(ended(scheduled.trial, metrics, rung=decided.rung), metrics)]

    def _look(self, scheduled: ScheduledTrial, score: float) -> Decided:
        """Early stopping's look at a trial, with its evidence."""
        look = self._rule.look(self._number(scheduled), scheduled.stop, score)
        return Decided(
            trial=scheduled.trial,
            rung=scheduled.stop,
            score=score if math.isfinite(score) else None,
            cutoff=look.cutoff,
            bounded=look.bounded,
            recorded=look.recorded,
            stopped=look.stopped,
        )

    def _finish(self, scheduled: ScheduledTrial, metrics: Metrics) -> list[Event]:
        self._rule.end(self._number(scheduled), metrics.iterations, metrics.value)
        costs = list(self._trials[scheduled.trial].costs.values())
        self._suggestions.complete(self._number(scheduled), metrics, costs)
        event = ended(scheduled.trial, metrics)
        if event.status == "completed":
            self.completed[scheduled.trial] = metrics
        return self._end(event, metrics)

    def _end(self, event: Ended, metrics: Metrics | None = None) -> list[Event]:
        """A trial's end, and those of the trials that follow it.  metrics: of its end, where they count."""
        events: list[Event] = [event]
        for name in self._twins.ended(event, metrics):
            events += self._follow(name)
        return events

    def _follow(self, name: str) -> list[Event]:
        """The end of a trial that takes the results of another."""
        trial = self._trials[name]
        first = self._twins.end_of(name)
        events: list[Event] = [trial.event()]
        if first.metrics is None:
            self._suggestions.fail(trial.index)
            return [*events, Ended(trial=name, status=first.event.status, iterations=0)]
        for metrics in first.looks:
            self._suggestions.report(trial.index, metrics)
        if first.event.rung is None:
            self._suggestions.complete(trial.index, first.metrics, list(trial.costs.values()))
        else:
            self._suggestions.stop(trial.index)
        metrics = first.metrics.model_copy(update={"seconds": 0.0, "telemetry": None})
        return [
            *events,
            Reported(trial=name, metrics=metrics),
            first.event.model_copy(update={"trial": name}),
        ]

    def _fill(self) -> list[Event]:
        """Gives every free virtual worker a suggestion; what follows where one has ended already."""
        events: list[Event] = []
        while self._clock.free and not self.exhausted:
            index = len(self._trials)
            name = f"{index + 1:03d}"
            changes = self._suggestions.suggest(self._known.get(name))
            setup = self._study.base.changed(changes)
            end = setup.config.iterations
            first = self._twins.first(name, setup)
            trial = Trial(
                name,
                "search",
                index,
                setup,
                self._seeds,
                key="base",
                changes=changes,
                rungs=() if first else tuple(rung for rung in self._rule.rungs(index) if rung < end),
                costs=costs(self._study.objectives, setup, len(self._seeds)),
                violations=self._study.violations(changes),
                same_as=first,
            )
            self._trials[name] = trial
            if first is not None:
                events += self._follow(name) if self._twins.has_ended(name) else []
                continue
            self._ready[name] = trial
            self._reports[name] = {}
            stops = (*trial.rungs, end)
            self._clock.begin(name, stops, training_times(setup, len(self._seeds), stops))
        return events

    def _number(self, scheduled: ScheduledTrial) -> int:
        return self._trials[scheduled.trial].index
