"""Starts and ends Ray, quietly, for one study."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from dgm_core import ConfigurationError
from studies.errors import StudyError
from studies.records.environment import available_cores
from studies.records.words import counted
from studies.signals import check_asked
from studies.tune.cluster.address import head_address
from studies.tune.head import NO_CLUSTER, Head
from studies.tune.reaper import reaped

_ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # Workers train: at Ray's default niceness of 15 any other process would starve them.
    "RAY_worker_niceness": "0",
    # They import what trials need while this process still prepares the first of them.
    "RAY_preload_python_modules": "studies.tune.preload",
    # A node's parts look for each other ten times, a second apart: as long, and as soon as they are there.
    "RAY_raylet_client_connect_timeout_milliseconds": "20",
    "RAY_raylet_client_num_connect_attempts": "500",
    # Tune's own records are for its tools; the run's log is what a study goes on from.
    "TUNE_GLOBAL_CHECKPOINT_S": "60",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
}


def check_cores(cores: int | None, *, address: str = "local") -> int:
    """The cores to use on this machine, by default all.

    Raises ConfigurationError where more are asked for than there are.
    """
    there = available_cores()
    if address == "local" and cores is not None and cores > there:
        raise ConfigurationError(
            f"{counted(cores, 'core')} are asked for, and this machine has {counted(there, 'core')}."
        )
    return cores or there


def session_gpus(device: str) -> float:
    """GPUs that the running session's trials may use on a device: none on "cpu", those there are on "auto".

    Raises ConfigurationError where "cuda" is asked for and there is none.
    """
    import ray

    there = 0.0 if device == "cpu" else float(ray.cluster_resources().get("GPU", 0.0))
    if device == "cuda" and not there:
        raise ConfigurationError("device 'cuda' is not available: Ray finds no GPU on its nodes.")
    return there


def begin_ray(cores: int, *, dashboard: bool = False) -> Head:
    """Ray on this machine for one study alone, which `ray_session` takes: it starts while other things are
    seen to."""
    return Head(cores, _ENVIRONMENT, dashboard=dashboard)


@contextmanager
def ray_session(
    *,
    cores: int,
    address: str = "local",
    dashboard: bool = False,
    begun: Head | None = None,
    tell: Callable[[str], None] | None = None,
    lost: str = "Ray's session was lost.",
) -> Iterator[str | None]:
    """Runs the body with Ray started; yields the dashboard's address where there is one.

    address: "local" starts Ray on this machine for this study alone, on the loopback interface; anything else
    ("auto", host and port) joins a running cluster, which is left running.  begun: what `begin_ray` gave for
    the same cores, where it was begun before.  tell: is told what is out of the
    ordinary.  lost: what is said where this process is killed, or ended by a Ray that has lost its raylet.
    Raises ConfigurationError where no cluster can be joined, and StudyError where Ray does not start here, as
    on a machine that is overloaded.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import ray

    with ExitStack() as stack:
        if address == "local":
            head = begun or begin_ray(cores, dashboard=dashboard)
            if head.note and tell is not None:
                tell(head.note)
            stack.enter_context(reaped(lost, head.session))
            stack.enter_context(head)
            stack.enter_context(_plain_actors())
            join = partial(_join_own, head)
        else:
            join = partial(_join, address)
        try:
            context = join()
        except KeyboardInterrupt:
            ray.shutdown()
            raise
        # A failed trial is told in the table, not as a traceback of Ray's.
        logging.getLogger("ray").setLevel(logging.CRITICAL)
        try:
            check_asked()
            yield context.dashboard_url or None
        finally:
            ray.shutdown()


def _join_own(head: Head) -> Any:
    """Joins Ray on this machine, once it is up."""
    from ray._private.authentication.authentication_token_setup import enable_token_auth_by_default

    logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        enable_token_auth_by_default()
        with _loopback_only():
            return _init(head.address)
    except Exception as error:  # Ray raises bare ones where its processes do not come up in time
        said = " ".join(str(error).split())
        raise StudyError(f"Ray could not be started on this machine: {said}") from error


def _join(address: str) -> Any:
    """Joins a cluster that runs."""
    found = head_address(address)
    try:
        return _init(found)
    except (ConnectionError, ValueError, RuntimeError) as error:
        said = " ".join(str(error).split())
        raise ConfigurationError(f"the Ray cluster at --address {found} cannot be joined: {said}") from None


def _init(address: str) -> Any:
    import ray

    with _own_handlers():
        return ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)


@contextmanager
def _plain_actors() -> Iterator[None]:
    """Lets trials run in the workers that Ray starts before they are asked for.

    Left alone, Tune gives its actors variables of their own, as PyTorch Lightning wants them, so that no
    worker that runs already is fit for them: every study would start its workers twice.
    """
    from ray.tune.execution import class_cache

    wanted, passed = class_cache.DEFAULT_ENV_VARS, class_cache.ENV_VARS_TO_PROPAGATE
    class_cache.DEFAULT_ENV_VARS, class_cache.ENV_VARS_TO_PROPAGATE = {}, set()
    try:
        yield
    finally:
        class_cache.DEFAULT_ENV_VARS, class_cache.ENV_VARS_TO_PROPAGATE = wanted, passed


@contextmanager
def _own_handlers() -> Iterator[None]:
    """Keeps Ray from putting its own handlers of SIGTERM, which end a process at once or in three seconds, in
    place of ours; a SIGTERM that comes meanwhile is seen to afterwards."""
    from ray._private import utils

    before = utils.set_sigterm_handler
    utils.set_sigterm_handler = lambda handler: None
    main = threading.current_thread() is threading.main_thread()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}) if main else None
    try:
        yield
    finally:
        utils.set_sigterm_handler = before
        own = signal.getsignal(signal.SIGTERM)
        if main and own is not None:
            # Once more: Ray's core has put in its own, which Python does not see.
            signal.signal(signal.SIGTERM, own)
        if blocked is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


@contextmanager
def _loopback_only() -> Iterator[None]:
    """Lets a Ray that is joined inside be that of the loopback interface, on which this process then listens.

    Ray reads its switch for that from the environment when it is imported, which has happened here, and
    later.  Nothing of it stays: a cluster that this process or a child of it starts or joins later is none of
    this one's business.
    """
    from ray._private import ray_constants

    before, enabled = os.environ.get(NO_CLUSTER), ray_constants.ENABLE_RAY_CLUSTER
    os.environ[NO_CLUSTER] = "0"
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = enabled
        if before is None:
            del os.environ[NO_CLUSTER]
        else:
            os.environ[NO_CLUSTER] = before
