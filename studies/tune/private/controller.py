"""Tune's controller: keeping a trial in its worker while it waits, and workers for the trials that follow."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from studies.tune.private.part import PrivatePart

_MOST_WORKERS = 1_000_000
"""That are kept for other trials: all."""


def _sets(*names: str) -> bool:
    from ray.tune.execution.tune_controller import TuneController

    return set(names) <= set(TuneController.__init__.__code__.co_names)


def _trains_one() -> bool:
    from ray.tune.execution.tune_controller import TuneController

    return list(inspect.signature(TuneController._schedule_trial_train).parameters) == ["self", "trial"]


def _keeps() -> bool:
    from ray.tune.execution.tune_controller import _ObjectCache

    known = list(inspect.signature(_ObjectCache.increase_max).parameters)
    return _sets("_actor_cache") and known == ["self", "key", "by"]


def _gives_variables() -> bool:
    from ray.tune.execution import class_cache

    return isinstance(class_cache.DEFAULT_ENV_VARS, dict) and isinstance(
        class_cache.ENV_VARS_TO_PROPAGATE, set
    )


HOLD = PrivatePart("hold", "a trial that waits for others gives up its worker and starts again", _trains_one)
KEEP = PrivatePart("keep", "Tune ends workers between trials", _keeps)
SPREAD = PrivatePart("spread", "on a cluster, every trial gets a new worker", lambda: _sets("_reuse_actors"))
WARM = PrivatePart("warm", "workers that Ray starts ahead are not used for trials", _gives_variables)


def train_on(controller: Any, trial: Any) -> None:
    """Has a trial that was held by NOOP go on: what Tune does itself after CONTINUE."""
    _controller(controller)._schedule_trial_train(trial)


def keep_workers(controller: Any, trial: Any) -> None:
    """Keeps all workers of trials like this one for others; call it once.

    Left alone, Tune keeps one worker where no trial is there yet that will use it, and ends the others; the
    next trials come at once, and would wait some seconds for new ones.
    """
    if KEEP.usable:
        _controller(controller)._actor_cache.increase_max(trial.placement_group_factory, _MOST_WORKERS)


def reuse_workers(controller: Any, allowed: bool) -> None:
    """Whether workers that are free get other trials: not while a node that has joined has none yet."""
    if SPREAD.usable:
        _controller(controller)._reuse_actors = allowed


def _controller(given: Any) -> Any:
    """Tune's controller itself: schedulers are given a wrapper, on which an attribute that is set is lost."""
    return getattr(given, "_tune_controller", given)


@contextmanager
def warm_workers() -> Iterator[None]:
    """Lets trials run in the workers that Ray starts before they are asked for.

    Left alone, Tune gives its actors variables of their own, as PyTorch Lightning wants them, so that no
    worker that runs already is fit for them: every study would start its workers twice.
    """
    if not WARM.usable:
        yield
        return
    from ray.tune.execution import class_cache

    wanted, passed = class_cache.DEFAULT_ENV_VARS, class_cache.ENV_VARS_TO_PROPAGATE
    class_cache.DEFAULT_ENV_VARS, class_cache.ENV_VARS_TO_PROPAGATE = {}, set()
    try:
        yield
    finally:
        class_cache.DEFAULT_ENV_VARS, class_cache.ENV_VARS_TO_PROPAGATE = wanted, passed
