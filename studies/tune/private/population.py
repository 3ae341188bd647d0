"""Trials and a controller as Ray Tune's population-based training looks at them, without Tune's own.

Its scheduler has a trial go on from another's checkpoint by setting fields of Tune's trials and by calls of
Tune's controller, some of them private.  Here both are stand-ins, which only remember what it asked for.
"""

from __future__ import annotations

import logging
import random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import PopulationBasedTraining, TrialScheduler

from studies.tune.private.part import PrivatePart


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


class Member:
    """Stands for one of Tune's trials."""

    def __init__(self, name: str, config: dict[str, Any], scratch: str) -> None:
        self.trial_id = self.experiment_tag = name
        self.config = config
        self.status = str(TuneTrial.PENDING)
        self.checkpoint: Snapshot | None = None
        self.evaluated_params: dict[str, Any] = {}
        self.last_result: dict[str, Any] = {}
        self.local_dir = self.local_experiment_path = scratch
        self.temporary_state = SimpleNamespace(saving_to=None)
        self.manager = SimpleNamespace(
            checkpoint_config=SimpleNamespace(num_to_keep=None), _latest_checkpoint_result=None
        )
        self.run_metadata = SimpleNamespace(checkpoint_manager=self.manager)

    def is_finished(self) -> bool:
        """Whether it has ended."""
        return self.status in (TuneTrial.TERMINATED, TuneTrial.ERROR)

    def set_config(self, config: dict[str, Any]) -> None:
        """Other settings."""
        self.config = config

    def set_experiment_tag(self, tag: str) -> None:
        """Another name for a table of Tune's."""
        self.experiment_tag = tag

    def __str__(self) -> str:
        return self.trial_id


class Population:
    """The trials of a population, and what a scheduler of Tune's says of them.

    What it draws follows from `seed` and from how often it was asked: told the same reports in the same
    order, it decides the same.
    """

    search_alg = None

    def __init__(self, scheduler: TrialScheduler, seed: int) -> None:
        self._scheduler = scheduler
        self._seed = seed
        self._asked = 0
        self._scratch = tempfile.TemporaryDirectory(prefix="dgm-population-")
        self.members: dict[str, Member] = {}

    def add(self, name: str, config: Mapping[str, Any]) -> dict[str, Any]:
        """One more trial; its configuration, with what the scheduler has filled in."""
        self.members[name] = member = Member(name, dict(config), self._scratch.name)
        with self._drawing():
            self._scheduler.on_trial_add(self, member)
        return member.config

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

    def end(self, name: str, row: dict[str, Any]) -> None:
        """A trial has come to its end."""
        self.members[name].status = str(TuneTrial.TERMINATED)
        with self._drawing():
            self._scheduler.on_trial_complete(self, self.members[name], row)

    def fail(self, name: str) -> None:
        """A trial was given up."""
        self.members[name].status = str(TuneTrial.ERROR)
        self._scheduler.on_trial_error(self, self.members[name])

    def choose(self) -> str | None:
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

    def begin(self, name: str) -> None:
        """A trial is trained from now on."""
        self.members[name].status = str(TuneTrial.RUNNING)

    def get_trials(self) -> list[Member]:
        """As Tune's controller has it."""
        return list(self.members.values())

    def get_live_trials(self) -> list[Member]:
        """As Tune's controller has it."""
        return [each for each in self.members.values() if not each.is_finished()]

    def pause_trial(self, trial: Member, should_checkpoint: bool = True) -> None:
        """As Tune's controller has it."""
        trial.status = str(TuneTrial.PAUSED)

    def _schedule_trial_save(self, trial: Member, result: Any = None) -> Snapshot | None:
        return trial.checkpoint

    @contextmanager
    def _drawing(self) -> Iterator[None]:
        """The generators that it draws from, which are Python's and NumPy's global ones."""
        kept, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002 (it is what Tune draws from)
        logger = logging.getLogger(PopulationBasedTraining.__module__)
        level = logger.level
        logger.setLevel(logging.WARNING)  # it tells each step; the study's log has them
        random.seed(f"{self._seed}/{self._asked}")
        np.random.seed(random.getrandbits(32))  # noqa: NPY002
        self._asked += 1
        try:
            yield
        finally:
            random.setstate(kept)
            np.random.set_state(arrays)  # noqa: NPY002
            logger.setLevel(level)


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
