"""An arm's replicates, in trials of so many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dgm_core import Setup
from studies.cost import iteration_cost
from studies.planning.trial import Trial
from studies.records.events import ScheduleStep


def arm_trials(
    phase: str,
    arm: str,
    setup: Setup,
    seeds: Sequence[int],
    *,
    key: str,
    index: int,
    changes: Mapping[str, Any] | None = None,
    together: int | None = None,
    name: str | None = None,
    begin: int = 0,
    schedule: Sequence[ScheduleStep] = (),
) -> list[tuple[Trial, float]]:
    """Trials of `together` seeds each, by default of all, with what each costs (see `iteration_cost`).

    name: of the first of them, by default from the phase and the arm; the others' names begin with it.
    begin: the number of the first replicate, where the arm has others already.  schedule: as a trial has it.
    """
    size = together or len(seeds)
    name = name or (arm if phase == "ablation" else f"{phase}-{arm}")
    trials = []
    for place, first in enumerate(range(0, len(seeds), size)):
        part, number = tuple(seeds[first : first + size]), begin + first
        trial = Trial(
            name if number == 0 else f"{name}-{number}",
            phase,
            index + place,
            setup,
            part,
            key=key,
            changes=dict(changes or {}),
            arm=arm,
            first=number,
            schedule=tuple(schedule),
        )
        trials.append((trial, setup.config.iterations * iteration_cost(setup, len(part))))
    return trials
