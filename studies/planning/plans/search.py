"""A search: its trials, then fresh seeds for winner and baseline, then further questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from studies.objectives import costs
from studies.planning.clock import Clock, MakeClock
from studies.planning.plans.after import QUESTIONS
from studies.planning.plans.arrival import Arrivals
from studies.planning.plans.base import Arms, Known, PlanStage, StudyPlan
from studies.planning.plans.clocked import ClockedTrials
from studies.planning.plans.replicates import arm_trials
from studies.planning.trial import Trial
from studies.records.events import Decided, Event, Exploited, Metrics
from studies.records.intervals import open_still
from studies.study import Search, replicate_seeds

_OLDER = "confirm-reference"


class SearchPlan(StudyPlan):
    """A search, the confirmation of its winner on fresh seeds, that of the baseline, and further questions.

    The baseline depends on no result: it is trained by cores that have nothing else to do.  For the questions
    see `studies.planning.plans.after`.
    """

    def __init__(self, study: Search, seed: int, known: Known, clock: MakeClock = Clock) -> None:
        self._study, self._seed = study, seed
        self._seeds = tuple(replicate_seeds(seed, "confirm", study.confirmations))
        by_arrival = study.order == "arrival"
        self.search: ClockedTrials | Arrivals = (
            Arrivals(study, seed, known) if by_arrival else ClockedTrials(study, seed, known, clock)
        )
        # Runs of before schema version 3 name the baseline's trials otherwise, and are gone on with.
        name = _OLDER if _OLDER in known else None
        self.baseline = Arms(self._confirmations("baseline", "baseline", None, name))
        self.winner: Arms | None = None
        self.more: list[Arms] = []
        """Further seeds of winner and baseline, a stage for each look that left it open."""
        self.after: list[Arms] = []
        self._begin_winner()

    @property
    def stages(self) -> Sequence[PlanStage]:
        return [self.search, *([self.winner] if self.winner else []), self.baseline, *self.more, *self.after]

    def ready(self) -> Iterator[Trial]:
        yield from self.search.ready()
        if self.search.exhausted:
            if self.winner is not None:
                yield from self.winner.ready()
            yield from self.baseline.ready()
            for stage in (*self.more, *self.after):
                yield from stage.ready()

    def report(self, name: str, metrics: Metrics) -> list[Event]:
        events = super().report(name, metrics)
        self._begin_winner()
        self._add_seeds()
        return events

    def fail(self, name: str) -> list[Event]:
        events = super().fail(name)
        self._begin_winner()
        self._add_seeds()
        return events

    def cut(self) -> list[Event]:
        events = [] if self.search.done else self.search.cut()
        self._begin_winner()
        return events

    @property
    def arrivals(self) -> Arrivals | None:
        """The search's trials where it goes by the order of arrival."""
        return self.search if isinstance(self.search, Arrivals) else None

    def offer(self, changes: Mapping[str, Any]) -> Trial:
        return super().offer(changes) if self.arrivals is None else self.arrivals.offer(changes)

    def exploit(self, event: Exploited) -> Trial:
        return super().exploit(event) if self.arrivals is None else self.arrivals.exploit(event)

    def decide(self, decided: Decided) -> list[Event]:
        events = [] if self.arrivals is None else self.arrivals.decide(decided)
        self._begin_winner()
        return events

    def close(self) -> None:
        """No more trials will be offered to a search by arrival."""
        if self.arrivals is not None:
            self.arrivals.close()
            self._begin_winner()

    def _begin_winner(self) -> None:
        if not self.search.done or self.winner is not None:
            return
        best = self.search.best
        if best is None:  # nothing to compare the baseline with
            self.baseline.drop()
        else:
            self.winner = Arms(self._confirmations("winner", "base", best))
            self.after = [Arms(ask(self._study, self._seed, self.search)) for ask in QUESTIONS]

    def _add_seeds(self) -> None:
        """Gives winner and baseline more seeds where all that they have leave it open which is better."""
        study, best = self._study, self.search.best
        if self.winner is None or best is None or len(self.more) + 1 >= study.looks:
            return
        stages = (self.winner, self.baseline, *self.more)
        if not all(stage.done for stage in stages):
            return
        ours, theirs = (_scores(stages, arm) for arm in ("winner", "baseline"))
        if ours is None or theirs is None or not open_still(ours, theirs, study.looks):
            return
        first = study.confirmations * (len(self.more) + 1)
        made = [
            trial
            for arm, key, like in (("winner", "base", best), ("baseline", "baseline", None))
            for trial in self._confirmations(arm, key, like, first=first)
        ]
        self.more.append(Arms(made))

    def _confirmations(
        self,
        arm: str,
        key: str,
        like: Trial | None,
        name: str | None = None,
        first: int = 0,
    ) -> list[tuple[Trial, float]]:
        """In trials of the search's own number of replicates, so that all cores have work.

        like: the trial whose settings these are, with its schedule; None for none but those of the key.
        """
        changes = {} if like is None else like.changes
        base = self._study.compared if key == "baseline" else self._study.base
        setup = base.changed(changes)
        study = self._study
        offset = 2 * first + (0 if arm == "winner" else study.confirmations)
        last = min(first + study.confirmations, study.confirm_limit or study.confirmations)
        seeds = replicate_seeds(self._seed, "confirm", last) if first else self._seeds
        made = arm_trials(
            "confirm",
            arm,
            setup,
            seeds[first:],
            key=key,
            changes=changes,
            together=self._study.replicates,
            index=offset,
            name=name,
            begin=first,
            schedule=() if like is None else like.schedule,
        )
        known = costs(self._study.objectives, setup, self._study.replicates)
        return [(replace(trial, costs=known), cost) for trial, cost in made]


def _scores(stages: Sequence[Arms], arm: str) -> list[float | None] | None:
    """Of an arm's seeds, in their order; None where a trial of it failed."""
    by_seed: dict[int, list[float | None]] = {}
    for stage in stages:
        for trial in stage.trials:
            if trial.arm != arm:
                continue
            if stage.statuses[trial.name] == "failed":
                return None
            by_seed[trial.first] = list(stage.measured[trial.name].replicates.scores)
    return [score for first in sorted(by_seed) for score in by_seed[first]]
