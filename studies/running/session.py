"""Starts and ends Ray, quietly, for one study."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from dgm_core import ConfigurationError
from studies.errors import StudyError
from studies.running.cluster.address import head_address
from studies.running.reaper import reaped
from studies.running.signals import check_asked

_ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # Workers train: at Ray's default niceness of 15 any other process would starve them.
    "RAY_worker_niceness": "0",
    # They import what trials need while this process still prepares the first of them.
    "RAY_preload_python_modules": "studies.running.launch",
    # Tune's own records are for its tools; the run's log is what a study goes on from.
    "TUNE_GLOBAL_CHECKPOINT_S": "60",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
}
_NO_CLUSTER = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
_OBJECT_STORE_BYTES = 100_000_000


def available_cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_cores(cores: int | None, *, address: str = "local") -> int:
    """The cores to use on this machine, by default all.

    Raises ConfigurationError where more are asked for than there are.
    """
    there = available_cores()
    if address == "local" and cores is not None and cores > there:
        raise ConfigurationError(f"{cores} cores are asked for, and this machine has {there}.")
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


@contextmanager
def ray_session(
    *, cores: int, address: str = "local", dashboard: bool = False, lost: str = "Ray's session was lost."
) -> Iterator[str | None]:
    """Runs the body with Ray started; yields the dashboard's address where there is one.

    address: "local" starts Ray on this machine for this study alone, on the loopback interface; anything else
    ("auto", host and port) joins a running cluster, which is left running.  lost: what is said where this
    process is killed, or ended by a Ray that has lost its raylet.  Raises ConfigurationError where no cluster
    can be joined, and StudyError where Ray does not start here, as on a machine that is overloaded.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import ray

    own: dict[str, Any] = {}
    if address == "local":
        own = {
            "num_cpus": cores,
            "object_store_memory": _OBJECT_STORE_BYTES,
            "include_dashboard": dashboard,
        }
    with reaped(lost) if address == "local" else nullcontext():
        try:
            context = _init(address if address == "local" else head_address(address), own)
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


def _init(address: str, own: dict[str, Any]) -> Any:
    import ray

    try:
        with _own_handlers(), _loopback_only() if address == "local" else nullcontext():
            return ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **own)
    except Exception as error:  # Ray raises bare ones where its processes do not come up in time
        if address == "local":
            said = " ".join(str(error).split())
            raise StudyError(f"Ray could not be started on this machine: {said}") from error
        if not isinstance(error, (ConnectionError, ValueError, RuntimeError)):
            raise
        said = " ".join(str(error).split())
        raise ConfigurationError(f"the Ray cluster at --address {address} cannot be joined: {said}") from None


@contextmanager
def _own_handlers() -> Iterator[None]:
    """Keeps Ray from putting its own handlers of SIGTERM, which end a process at once or in three seconds, in
    place of ours."""
    from ray._private import utils

    before = utils.set_sigterm_handler
    utils.set_sigterm_handler = lambda handler: None
    try:
        yield
    finally:
        utils.set_sigterm_handler = before
        own = signal.getsignal(signal.SIGTERM)
        if own is not None and threading.current_thread() is threading.main_thread():
            # Once more: Ray's core has put in its own, which Python does not see.
            signal.signal(signal.SIGTERM, own)


@contextmanager
def _loopback_only() -> Iterator[None]:
    """Lets a Ray that is started inside listen on the loopback interface alone.

    Ray has a switch for that, meant for systems on which it makes no clusters: read from the environment when
    it is imported, which has happened here, and by the processes that it starts.  Nothing of it stays: a
    cluster that this process or a child of it starts later is none of this one's business.
    """
    from ray._private import ray_constants

    before, enabled = os.environ.get(_NO_CLUSTER), ray_constants.ENABLE_RAY_CLUSTER
    os.environ[_NO_CLUSTER] = "0"
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = enabled
        if before is None:
            del os.environ[_NO_CLUSTER]
        else:
            os.environ[_NO_CLUSTER] = before
