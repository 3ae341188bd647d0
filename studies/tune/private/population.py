"""A population as Ray Tune's population-based training looks at it, without Tune's own trials.

Its scheduler has a trial go on from another's checkpoint by setting fields of Tune's trials and by calls of
Tune's controller, some of them private.  Here both are stand-ins, which only remember what it asked for.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import PopulationBasedTraining, TrialScheduler

from studies.tune.private.part import PrivatePart
from studies.tune.private.stand_in import Member, StandIn


class Snapshot(NamedTuple):
    """A trial's state that is kept: the folder it trained in, and its iteration."""

    trial: str
    folder: str
    iteration: int


class Exploit(NamedTuple):
    """A trial goes on from a snapshot of another, with a configuration."""

    trial: str
    snapshot: Snapshot
    config: Mapping[str, Any]


class Population(StandIn):
    """The trials of a population, and what a scheduler of Tune's says of them."""

    def __init__(self, scheduler: TrialScheduler, seed: int) -> None:
        super().__init__(scheduler, seed)
        self._saved: dict[str, Snapshot] = {}

    @property
    def held(self) -> set[Snapshot]:
        """The snapshots that a trial can still be told to go on from.

        Ray's schedulers take the last that they asked a trial to save, or where it stands as it is paused; of
        trials that have ended they take none.
        """
        live = [each for each in self.members.values() if not each.is_finished()]
        known = [each.checkpoint for each in live] + [self._saved.get(each.trial_id) for each in live]
        return {each for each in known if each is not None}

    def report(self, row: dict[str, Any], at: Snapshot) -> tuple[bool, list[Exploit]]:
        """A trial has reported: whether it makes way for others, and who goes on from whose state."""
        member = self.members[at.trial]
        member.status, member.checkpoint, member.last_result = str(TuneTrial.RUNNING), at, row
        with self._drawing():
            action = self._scheduler.on_trial_result(self, member, row)
        exploits = []
        for each in self.members.values():
            taken, each.manager._latest_checkpoint_result = each.manager._latest_checkpoint_result, None
            if taken is not None:
                exploits.append(Exploit(each.trial_id, taken.checkpoint, each.config))
        pauses = action in (TrialScheduler.PAUSE, TrialScheduler.NOOP) or any(
            each.trial == at.trial for each in exploits
        )
        if pauses:
            member.status = str(TuneTrial.PAUSED)
        return pauses, exploits

    def pick(self) -> str | None:
        """The trial to train next, where one can; if all wait for one that is gone, the least trained."""
        chosen = self._scheduler.choose_trial_to_run(self)
        if chosen is not None:
            return str(chosen.trial_id)
        live = self.get_live_trials()
        if any(each.status == TuneTrial.RUNNING for each in live):
            return None
        least = min(live, key=lambda each: each.checkpoint.iteration if each.checkpoint else 0, default=None)
        return None if least is None else least.trial_id

    def rest(self) -> None:
        """No trial is trained now: those that were go on from what they left."""
        for each in self.get_live_trials():
            each.status = str(TuneTrial.PENDING if each.checkpoint is None else TuneTrial.PAUSED)

    @contextmanager
    def _drawing(self, counts: bool = True) -> Iterator[None]:
        """With a folder for the records that PBT keeps of itself, which nothing here reads.

        It exists during the call alone: a process that is killed between two calls leaves none behind.
        """
        with tempfile.TemporaryDirectory(prefix="dgm-population-") as folder, super()._drawing(counts):
            for each in self.members.values():
                each.local_dir = each.local_experiment_path = folder
            yield

    def _schedule_trial_save(self, trial: Member, result: Any = None) -> Snapshot | None:
        if trial.checkpoint is not None:
            self._saved[trial.trial_id] = trial.checkpoint
        return trial.checkpoint


def _rehearsed() -> bool:
    """Two trials, of which the worse takes over the better, told as Tune tells it and in one go."""
    for together in (False, True):
        scheduler = PopulationBasedTraining(
            time_attr="at",
            metric="score",
            mode="min",
            perturbation_interval=1,
            hyperparam_mutations={"x": [1.0, 2.0]},
            quantile_fraction=0.5,
            synch=together,
        )
        population = Population(scheduler, 0)
        for name in ("good", "bad"):
            population.add(name, {"x": 1.0})
        exploits = []
        for at, name, score in ((1, "good", 0.0), (1, "bad", 1.0), (2, "good", 0.0), (2, "bad", 1.0)):
            population.begin(name)
            exploits += population.report({"at": at, "score": score}, Snapshot(name, name, at))[1]
            if exploits:
                break
        if [(each.trial, each.snapshot.trial) for each in exploits] != [("bad", "good")]:
            return False
    return True


POPULATION = PrivatePart("population", "a study refuses population-based training", _rehearsed)
