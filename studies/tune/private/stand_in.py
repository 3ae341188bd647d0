"""Trials and a controller as a scheduler of Ray Tune's looks at them, without Tune's own.

A scheduler stops other trials than the one that reports, pauses trials and has them go on by setting fields
of Tune's trials and by calls of Tune's controller.  Here both are stand-ins: told the same in the same order,
a scheduler decides the same, in whatever process.
"""

from __future__ import annotations

import logging
import random
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import HyperBandForBOHB, HyperBandScheduler, TrialScheduler

from studies.tune.private.part import PrivatePart

_LOGGER = logging.getLogger("ray.tune.schedulers")
_ROUNDS = 32
"""Times that a scheduler is asked again which trial goes on: a bracket may be halved each time."""


class Member:
    """Stands for one of Tune's trials."""

    def __init__(self, name: str, config: dict[str, Any]) -> None:
        self.trial_id = self.experiment_tag = name
        self.config = config
        self.status = str(TuneTrial.PENDING)
        self.is_saving = False
        self.checkpoint: Any = None
        self.evaluated_params: dict[str, Any] = {}
        self.last_result: dict[str, Any] = {}
        self.local_dir = self.local_experiment_path = ""
        self.temporary_state = SimpleNamespace(saving_to=None)
        self.manager = SimpleNamespace(
            checkpoint_config=SimpleNamespace(num_to_keep=None), _latest_checkpoint_result=None
        )
        self.run_metadata = SimpleNamespace(checkpoint_manager=self.manager)

    def is_finished(self) -> bool:
        """Whether it has ended."""
        return self.status in (TuneTrial.TERMINATED, TuneTrial.ERROR)

    @property
    def paused(self) -> bool:
        """Whether it waits until the scheduler has it go on."""
        return self.status == TuneTrial.PAUSED

    def set_config(self, config: dict[str, Any]) -> None:
        """Other settings."""
        self.config = config

    def set_experiment_tag(self, tag: str) -> None:
        """Another name for a table of Tune's."""
        self.experiment_tag = tag

    def __str__(self) -> str:
        return self.trial_id


class Unheard:
    """A searcher that need not know which trials are paused: all but BOHB's."""

    def on_pause(self, trial_id: str) -> None:
        """Nothing."""

    def on_unpause(self, trial_id: str) -> None:
        """Nothing."""


class StandIn:
    """The trials of a search, and what a scheduler of Tune's says of them.

    seed: what the scheduler draws follows from it and from how often it was asked.  searcher: is told of
    pauses, as `HyperBandForBOHB` does.
    """

    def __init__(self, scheduler: TrialScheduler, seed: int, searcher: Any = None) -> None:
        self._scheduler = scheduler
        self._seed = seed
        self._asked = 0
        self._stopped: list[str] = []
        self._another: list[Member] = []
        self.search_alg = SimpleNamespace(searcher=Unheard() if searcher is None else searcher)
        self.members: dict[str, Member] = {}

    @property
    def training(self) -> int:
        """How many trials have a worker, or are about to get one."""
        return sum(each.status == TuneTrial.RUNNING for each in self.members.values())

    def add(self, name: str, config: Mapping[str, Any]) -> dict[str, Any]:
        """One more trial; its configuration, with what the scheduler has filled in."""
        self.members[name] = member = Member(name, dict(config))
        with self._drawing():
            self._scheduler.on_trial_add(self, member)
        return member.config

    def hear(self, name: str, row: dict[str, Any]) -> str:
        """A trial has reported: the scheduler's action.  It may add to the row what a searcher looks for."""
        member = self.members[name]
        member.status, member.last_result = str(TuneTrial.RUNNING), row
        with self._drawing():
            action = self._scheduler.on_trial_result(self, member, row)
            if action == TrialScheduler.STOP:
                self._end(member)
            elif action == TrialScheduler.PAUSE:
                member.status = str(TuneTrial.PAUSED)
        return str(action)

    def end(self, name: str, row: dict[str, Any]) -> None:
        """A trial has come to its own end."""
        member = self.members[name]
        member.status, member.last_result = str(TuneTrial.RUNNING), row
        with self._drawing():
            self._end(member)

    def fail(self, name: str) -> None:
        """A trial was given up."""
        self.members[name].status = str(TuneTrial.ERROR)
        with self._drawing():
            self._scheduler.on_trial_error(self, self.members[name])

    def stop(self, name: str) -> None:
        """A trial is over, whatever the scheduler thinks."""
        self.stop_trial(self.members[name])
        self._stopped.remove(name)

    def begin(self, name: str) -> None:
        """A trial is trained from now on."""
        self.members[name].status = str(TuneTrial.RUNNING)

    def pause(self, name: str) -> None:
        """A trial waits."""
        self.members[name].status = str(TuneTrial.PAUSED)

    def choose(self, *, more: bool) -> str | None:
        """The trial that goes on, where the scheduler has one.

        more: further trials can still join; a scheduler that fills its brackets first waits for them.
        """
        # It stands for the trial that Tune would have asked its searcher for by now.
        self._another = [self._coming()] if more else []
        chosen = None
        try:
            for _ in range(1 if more or self.training else _ROUNDS):
                with self._drawing(counts=False):  # how often a process asks depends on its pace
                    chosen = self._scheduler.choose_trial_to_run(self)
                if chosen is not None or not any(each.paused for each in self.members.values()):
                    break
        finally:
            self._another = []
        return None if chosen is None else str(chosen.trial_id)

    def resume(self, name: str) -> None:
        """A paused trial goes on, as it did before: the scheduler is asked what it was asked then."""
        for more in (True, False):
            if self.choose(more=more) == name:
                break
        self.begin(name)

    def least_trained(self) -> str | None:
        """The paused trial that has reported least often; None where none is paused."""
        paused = [each for each in self.members.values() if each.paused]
        least = min(paused, key=lambda each: each.last_result.get("training_iteration", 0), default=None)
        return None if least is None else least.trial_id

    def take_stopped(self) -> list[str]:
        """Trials that the scheduler has stopped since it was asked last, but for those that reported."""
        stopped, self._stopped = self._stopped, []
        return stopped

    def get_trials(self) -> list[Member]:
        """As Tune's controller has it."""
        return [*self.members.values(), *self._another]

    def get_live_trials(self) -> list[Member]:
        """As Tune's controller has it."""
        return [each for each in self.members.values() if not each.is_finished()]

    def pause_trial(self, trial: Member, should_checkpoint: bool = True) -> None:
        """As Tune's controller has it."""
        trial.status = str(TuneTrial.PAUSED)

    def stop_trial(self, trial: Member) -> None:
        """As Tune's controller has it."""
        if trial.is_finished():
            return
        if trial.status == TuneTrial.RUNNING:
            self._scheduler.on_trial_complete(self, trial, trial.last_result)
        else:
            self._scheduler.on_trial_remove(self, trial)
        trial.status = str(TuneTrial.TERMINATED)
        self._stopped.append(trial.trial_id)

    def _end(self, member: Member) -> None:
        self._scheduler.on_trial_complete(self, member, member.last_result)
        member.status = str(TuneTrial.TERMINATED)

    def _coming(self) -> Member:
        coming = Member("", {})
        coming.status = str(TuneTrial.RUNNING)
        return coming

    @contextmanager
    def _drawing(self, counts: bool = True) -> Iterator[None]:
        """The generators that it draws from, which are Python's and NumPy's global ones."""
        kept, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002 (it is what Tune draws from)
        level = _LOGGER.level
        _LOGGER.setLevel(logging.WARNING)  # it tells each step; the study's log has them
        random.seed(f"{self._seed}/{self._asked}")
        np.random.seed(random.getrandbits(32))  # noqa: NPY002
        self._asked += counts
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the models that it fits to few trials
                yield
        finally:
            random.setstate(kept)
            np.random.set_state(arrays)  # noqa: NPY002
            _LOGGER.setLevel(level)


def _rehearsed() -> bool:
    """Of two trials in one bracket the first waits for the other, and the worse is stopped."""
    for kind in (HyperBandScheduler, HyperBandForBOHB):
        scheduler = kind(time_attr="at", metric="score", mode="min", max_t=2, reduction_factor=2)
        trials = StandIn(scheduler, 0)
        for name in ("a", "b", "c", "d"):
            trials.add(name, {})
            trials.begin(name)
        bad, good = ("c", "d") if kind is HyperBandScheduler else ("a", "b")
        first = trials.hear(bad, {"at": 1, "score": 1.0})
        second = trials.hear(good, {"at": 1, "score": 0.0})
        if (first, second, trials.take_stopped()) != ("PAUSE", "CONTINUE", [bad]):
            return False
    return True


PAUSING = PrivatePart("pausing", "a study refuses Hyperband and BOHB in the order of arrival", _rehearsed)
