"""A search whose trials are a population: Ray Tune's PBT and PB2 change their settings as they train.

All trials are under way from the start.  One that its scheduler has wait, or take over another, gives up its
worker, and later goes on from a checkpoint in any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from dgm_core import ConfigurationError
from studies.errors import StudyError
from studies.planning.plans import SearchPlan
from studies.planning.plans.arrival import Arrivals
from studies.planning.trial import Trial
from studies.records.events import Ended, Event, Exploited, Metrics, Reported, ScheduleStep, Suggested
from studies.records.log import read_log
from studies.study.branches import at_random, drawn
from studies.study.space import label, nearest
from studies.trials.checkpoints import snapshot_folder
from studies.tune.population_states import PopulationStates
from studies.tune.populations import mutable
from studies.tune.private.population import Exploit, Population, Snapshot
from studies.tune.ray_parts import Arrival, ResultRows
from studies.tune.tuning import Engine, PlanScheduler, PlanSearcher

_ATTEMPTS = 1000
"""At settings that are feasible, for each trial."""


class PopulationScheduler(PlanScheduler):
    """Asks Tune's scheduler about each report of the search's trials, and has trials take over others."""

    def __init__(self, engine: Engine, arrival: Arrival) -> None:
        super().__init__(engine)
        plan = engine.course.plan
        assert isinstance(plan, SearchPlan)
        assert isinstance(plan.search, Arrivals)
        self._arrival, self._study, self._search = arrival, arrival.study, plan.search
        self._population = Population(arrival.scheduler(), self._search.seeds[0])
        self._row = ResultRows()
        self._told: set[str] = set()
        self._mutable = mutable(self._study)
        self._states = PopulationStates(engine.store)
        events = read_log(engine.folder)
        self._hear(events)
        self._states.recall(events)
        self._drop()
        engine.course.withdraw(self._population.members)

    def fill(self) -> None:
        """Begins the trials of the population that have not begun."""
        while not self._search.exhausted:
            name = self._search.next_name
            config = self._population.add(name, self._draw(len(self._population.members)))
            self._engine.course.offer({key: config[key] for key in self._study.space})

    def choose(self) -> Trial | None:
        """The trial to train next; None where none can now."""
        name = self._population.pick()
        if name is None or name in self._engine.pool.busy:
            return None
        self._population.begin(name)
        if self._engine.course.entry(name).paused:
            self._engine.course.resume(name)
        return self._engine.course.trial(name)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        name = trial.config["trial"]
        metrics = self._news(name, result)
        action = super().on_trial_result(tune_controller, trial, result)
        if metrics is None or name not in self._population.members:
            return action
        self._states.left(self._engine.course.trial(name).folder, metrics.iterations)
        pauses, exploits = self._report(name, metrics)
        if pauses and all(exploit.trial != name for exploit in exploits):
            self._engine.course.pause(name)
        for exploit in exploits:
            self._take_over(exploit)
        self._drop()
        return str(self.STOP) if pauses else action

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        super().on_trial_error(tune_controller, trial)
        if trial.config["trial"] in self._population.members:
            self._population.fail(trial.config["trial"])

    def _report(self, name: str, metrics: Metrics) -> tuple[bool, list[Exploit]]:
        """Tells the scheduler; a trial at its end takes over no other."""
        row = self._row(metrics, len(self._engine.course.entry(name).reports))
        if metrics.final:
            self._population.end(name, row)
            return False, []
        folder = self._engine.course.trial(name).folder
        return self._population.report(row, Snapshot(name, folder, metrics.iterations))

    def _take_over(self, exploit: Exploit) -> None:
        """Logs what follows from an exploit, and tells the population what became of it."""
        event = self._exploited(exploit)
        self._states.gave_up(self._engine.course.trial(event.trial).folder)
        self._engine.course.exploit(event)
        self._population.members[event.trial].config = dict(event.changes)

    def _drop(self) -> None:
        """Drops the states that no trial can go on from any more; the log says by now who goes on from which.

        Those of a scheduler that is none of Ray's own stay: it may go back further.
        """
        if not self._arrival.rays_own:
            return
        needed = {snapshot_folder(at.folder, at.iteration) for at in self._population.held}
        for name in self._population.members:
            entry, trial = self._engine.course.entry(name), self._engine.course.trial(name)
            if trial.origin is None or not entry.running:
                continue
            if entry.iterations == entry.exploits[-1].iteration:
                needed.add(trial.origin)  # it may have no state of its own yet
        self._states.keep(needed)

    def _exploited(self, exploit: Exploit) -> Exploited:
        course, at = self._engine.course, exploit.snapshot
        source, entry = course.trial(at.trial), course.entry(exploit.trial)
        changes = self._changes(exploit, source)
        before = list(source.schedule) or [ScheduleStep(iteration=0, settings=self._settings(source.changes))]
        schedule = [step for step in before if step.iteration <= at.iteration]
        if schedule[-1].settings != self._settings(changes):
            schedule = [step for step in schedule if step.iteration < at.iteration]
            schedule.append(ScheduleStep(iteration=at.iteration, settings=self._settings(changes)))
        setup = self._study.base.changed(changes)
        trial = course.trial(exploit.trial)
        return Exploited(
            trial=exploit.trial,
            source=at.trial,
            iteration=at.iteration,
            dropped=entry.iterations,
            origin=snapshot_folder(at.folder, at.iteration),
            changes=changes,
            setup=setup.to_dict(),
            config=setup.flat(),
            folder=trial.again.folder,
            schedule=schedule if len(schedule) > 1 else [],
        )

    def _changes(self, exploit: Exploit, source: Trial) -> dict[str, Any]:
        """The settings that a trial goes on with: the source's, with what was changed, within the space.

        Where that is not allowed the source's own.
        """
        changes = dict(source.changes)
        for key, value in exploit.config.items():
            if key in self._mutable:
                value = nearest(self._study.space[key], value)
                changes[key] = source.changes[key] if value is None else value
            elif label(changes.get(key)) != label(value):
                self._tell(f"{key} cannot change in the midst of a training: the population keeps it.")
        try:
            if self._study.allows(changes):
                return changes
        except ConfigurationError:
            pass
        self._tell("Settings that a trial was to go on with are not allowed: it has those of its source.")
        return dict(source.changes)

    def _settings(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        return {key: changes[key] for key in self._mutable}

    def _tell(self, said: str) -> None:
        if said not in self._told:
            self._told.add(said)
            self._arrival.tell(said)

    def _draw(self, index: int) -> dict[str, Any]:
        """A trial's first settings: at random, by its seed and place alone."""
        random = np.random.default_rng([self._search.seeds[0], index])
        for _ in range(_ATTEMPTS):
            changes = drawn(self._study.space, partial(at_random, random))
            if self._study.allows(changes):
                return changes
        raise StudyError(f"no feasible settings were found in {_ATTEMPTS} draws.")

    def _hear(self, events: Iterable[Event]) -> None:
        """Tells the scheduler what the log holds; what it was made to do then counts, whatever it says now.

        Only what follows from the very last report may be missing in the log, and is done.
        """
        owed: list[Exploit] = []
        reported: dict[str, list[int]] = {}
        folders: dict[str, str] = {}
        for event in events:
            if isinstance(event, Suggested) and event.phase == "search":
                self._population.add(event.trial, event.changes)
                reported[event.trial], folders[event.trial] = [], event.folder
            elif isinstance(event, Reported) and event.trial in reported:
                self._undo(owed)
                reported[event.trial].append(event.metrics.iterations)
                row = self._row(event.metrics, len(reported[event.trial]))
                if event.metrics.final:
                    self._population.end(event.trial, row)
                    owed = []
                else:
                    at = Snapshot(event.trial, folders[event.trial], event.metrics.iterations)
                    _, owed = self._population.report(row, at)
            elif isinstance(event, Exploited):
                owed = [each for each in owed if each.trial != event.trial]
                self._population.members[event.trial].config = dict(event.changes)
                reported[event.trial] = [at for at in reported[event.source] if at <= event.iteration]
                folders[event.trial] = event.folder
            elif isinstance(event, Ended) and event.status == "failed" and event.trial in reported:
                self._population.fail(event.trial)
        for exploit in owed:
            self._take_over(exploit)
        self._population.rest()

    def _undo(self, exploits: Iterable[Exploit]) -> None:
        for exploit in exploits:
            changes = self._engine.course.trial(exploit.trial).changes
            self._population.members[exploit.trial].config = dict(changes)


class PopulationSearcher(PlanSearcher):
    """Gives out the trial of the population that is to train next, and what else a study's plan has."""

    def __init__(self, engine: Engine, scheduler: PopulationScheduler) -> None:
        super().__init__(engine)
        self._scheduler = scheduler

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        engine, pool = self._engine, self._engine.pool
        if not (engine.course.done or engine.halted or pool.starting) and pool.idle > 0:
            self._scheduler.fill()
            trial = self._scheduler.choose()
            if trial is not None:
                return {**self._give(trial), "snapshots": True}
        return super().suggest(trial_id)
