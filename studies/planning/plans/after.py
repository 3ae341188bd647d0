"""What a search may ask once it is over: each question a function that gives trials, none stopped early.

A question is answered by trials of a phase of its own, so that no headline counts them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from dgm_core import ConfigurationError, Setup
from studies.cost import training_times
from studies.planning.plans.replicates import arm_trials
from studies.planning.plans.search_trials import SearchTrials
from studies.planning.trial import Trial
from studies.study import Search, replicate_seeds
from studies.study.branches import Space, places

Trials = list[tuple[Trial, float]]
"""With what each costs (see `studies.planning.clock`)."""

_AUDIT = 2
"""Of the stream that draws stopped trials from a study's seed."""


def rivals(study: Search, seed: int, search: SearchTrials) -> Trials:
    """The second to `confirm_top`-th trial, on the seeds that confirm the winner."""
    made: Trials = []
    seeds = replicate_seeds(seed, "confirm", study.confirmations)
    for trial in search.ranked[1 : study.confirm_top]:
        made += _again("rivals", trial, seeds, len(made), together=study.replicates)
    return made


def audit(study: Search, seed: int, search: SearchTrials) -> Trials:
    """Stopped trials drawn at random and trained to their ends, on their own seeds, for a share of the cost.

    The share is of what the trials that completed or were stopped took.  The last one drawn may exceed it, so
    that there is one wherever a trial was stopped.
    """
    if not study.audit:
        return []
    done = [(trial, trial.setup.config.iterations) for trial in search.ranked]
    limit = study.audit * sum(_cost(trial, end) for trial, end in (*done, *search.stopped.values()))
    names = list(search.stopped)
    made: Trials = []
    spent = 0.0
    for place in np.random.default_rng([seed, _AUDIT]).permutation(len(names)):
        if spent >= limit:
            break
        trial, _ = search.stopped[names[place]]
        spent += _cost(trial, trial.setup.config.iterations)
        made += _again("audit", trial, trial.seeds, len(made))
    return made


def path(study: Search, seed: int, search: SearchTrials) -> Trials:
    """From the baseline to the winner one setting at a time, on the seeds that confirm both.

    Settings that all trials share come first, then the searched ones in the order of the space.  A choice
    brings the settings that exist with it alone: an optimizer its learning rate.  One that is refused without
    a later one is changed together with it.  The last step is the winner itself.
    """
    if not study.explain:
        return []
    made: Trials = []
    seeds = replicate_seeds(seed, "confirm", study.confirmations)
    steps = list(_steps(study, study.base.changed(search.ranked[0].changes)))
    for number, (names, changes) in enumerate(steps[:-1], start=1):
        made += arm_trials(
            "path",
            names,
            study.compared.changed(changes),
            seeds,
            key="baseline",
            changes=changes,
            together=study.replicates,
            index=len(made),
            name=f"path-{number}",
        )
    return made


def revived(study: Search, seed: int, search: SearchTrials) -> Trials:
    """Stopped trials that somebody asked for, trained to their ends on their own seeds."""
    made: Trials = []
    for place, name in enumerate(study.revived):
        if name in search.stopped:  # with more trials it may not have been stopped
            trial, _ = search.stopped[name]
            made += _again("revived", trial, trial.seeds, place)
    return made


def front(study: Search, seed: int, search: SearchTrials) -> Trials:
    """With several objectives the trials that no other beats in all of them, on the seeds that confirm the
    winner, who has the lowest error."""
    if len(study.objectives) == 1:
        return []
    made: Trials = []
    seeds = replicate_seeds(seed, "confirm", study.confirmations)
    kept: list[Trial] = []
    for trial in search.ranked:  # by error: one is beaten only by those before it
        if not any(_cheaper(other, trial) for other in kept):
            kept.append(trial)
    for trial in kept[1:]:
        made += _again("front", trial, seeds, len(made), together=study.replicates)
    return made


def _again(phase: str, trial: Trial, seeds: Sequence[int], index: int, together: int | None = None) -> Trials:
    """A trial of the search once more, as an arm of that name in another phase (see `arm_trials`)."""
    return arm_trials(
        phase,
        trial.name,
        trial.setup,
        seeds,
        key="base",
        changes=trial.changes,
        together=together,
        index=index,
        schedule=trial.schedule,
    )


def _cheaper(trial: Trial, other: Trial) -> bool:
    """Whether no cost of the one is above that of the other."""
    return all(trial.costs[name] <= cost for name, cost in other.costs.items())


QUESTIONS: tuple[Callable[[Search, int, SearchTrials], Trials], ...] = (rivals, front, audit, path, revived)


def _steps(study: Search, goal: Setup) -> Iterator[tuple[str, dict[str, Any]]]:
    """The settings changed in each step, and all that differ from the baseline by then."""
    here, there = study.compared.flat(), goal.flat()
    differ = {key for key in there if here.get(key) != there[key] and not isinstance(there[key], dict)}
    changes: dict[str, Any] = {}
    waiting: list[str] = []
    for together in _order(study.space, there):
        waiting += [key for key in together if key in differ]
        changes |= {key: there[key] for key in waiting}
        if not waiting:
            continue
        try:
            study.compared.changed(changes)
        except ConfigurationError:
            continue
        yield ", ".join(waiting), dict(changes)
        waiting = []


def _order(space: Space, settings: Iterable[str]) -> list[list[str]]:
    """The settings that are changed together, one list after another."""
    groups: dict[str, list[str]] = {key: [key] for key in space}
    for place in places(space):
        if place.when and place.key not in groups[place.when[0][0]]:
            groups[place.when[0][0]].append(place.key)
    searched = {key for group in groups.values() for key in group}
    return [*([key] for key in settings if key not in searched), *groups.values()]


def _cost(trial: Trial, iterations: int) -> float:
    return training_times(trial.setup, len(trial.seeds), (iterations,))[0]
