"""Starts and ends Ray, quietly, for one study."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any

from dgm_core import ConfigurationError
from studies.errors import StudyError
from studies.processes import reaped
from studies.records.environment import available_cores
from studies.records.words import counted
from studies.signals import check_asked
from studies.tune.cluster.address import head_address
from studies.tune.head import Head
from studies.tune.private.cluster import AUTOSCALER, HEAD
from studies.tune.private.controller import HOLD, KEEP, SPREAD, WARM, warm_workers
from studies.tune.private.start import NODE, SETTINGS, joining_own_node, loopback, settings
from studies.tune.surroundings import FOLDER, variable

PARTS = (NODE, SETTINGS, WARM, KEEP, HOLD, SPREAD, HEAD, AUTOSCALER)
"""Private parts of Ray that a session or a study uses; a Ray that lacks one is used publicly."""
_ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # Tune's own records are for its tools; the run's log is what a study goes on from.
    "TUNE_GLOBAL_CHECKPOINT_S": "60",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
}
_LOOPBACK = "127.0.0.1"
_OBJECT_STORE_BYTES = 100_000_000


def check_cores(cores: int | None, *, address: str = "local") -> int:
    """The cores to use on this machine, by default all.

    Raises ConfigurationError where none or more are asked for than there are.
    """
    if cores is not None and cores < 1:
        raise ConfigurationError(f"cores = {cores} is not allowed: it must be 1 or greater.")
    there = available_cores()
    if address == "local" and cores is not None and cores > there:
        raise ConfigurationError(
            f"{counted(cores, 'core')} were asked for, but this machine has {counted(there, 'core')}."
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
    return Head(cores, {**_ENVIRONMENT, **settings()}, dashboard=dashboard)


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
    wanted = {name: text for name, text in {**_ENVIRONMENT, **settings()}.items() if name not in os.environ}
    with ExitStack() as stack:
        for name, text in wanted.items():  # for as long as the session: Tune without it is the user's own
            stack.enter_context(variable(name, text))
        yield from _session(cores, address, dashboard, begun, tell, lost)


def _session(
    cores: int,
    address: str,
    dashboard: bool,
    begun: Head | None,
    tell: Callable[[str], None] | None,
    lost: str,
) -> Iterator[str | None]:
    with loopback() if address == "local" and not NODE.wanted else nullcontext():
        import ray  # reads there where it is to listen, should it be started in this process

    if tell is not None:
        for part in PARTS:
            if not part.usable:
                tell(f"Ray {ray.__version__} is used without its private part {part.name!r}: {part.without}.")
    with ExitStack() as stack:
        if address == "local":
            head = begun or begin_ray(cores, dashboard=dashboard)
            if head.note and tell is not None:
                tell(head.note)
            stack.enter_context(reaped(lost, head.session))
            stack.enter_context(head)
            join = partial(_join_own, head)
        else:
            join = partial(_join, address)
        stack.enter_context(warm_workers())
        try:
            context = join()
        except KeyboardInterrupt:
            _leave()
            raise
        # A failed trial is told in the table, not as a traceback of Ray's.
        logging.getLogger("ray").setLevel(logging.CRITICAL)
        try:
            check_asked()
            yield context.dashboard_url or None
        finally:
            _leave()


def _join_own(head: Head) -> Any:
    """Joins Ray on this machine, once it is up."""
    logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        address = head.address
        if address is None or not NODE.usable:
            head.close()
            return _start(head)
        with joining_own_node():
            return _init(address)
    except Exception as error:  # Ray raises bare ones where its processes do not come up in time
        cause = " ".join(str(error).split())
        raise StudyError(f"Ray could not be started on this machine: {cause}") from error


def _start(head: Head) -> Any:
    """Ray by its public call, in this process.

    Where Ray was imported before this session, it listens on the machine's own interface, and asks for its
    token there.
    """
    import ray

    with ExitStack() as stack:
        stack.enter_context(loopback())
        if head.folder is not None:
            stack.enter_context(variable(FOLDER, head.folder))
        stack.enter_context(_own_handler(blocked=False))  # what Ray starts would have it blocked too
        return ray.init(
            address="local",
            num_cpus=head.cores,
            include_dashboard=head.dashboard,
            dashboard_host=_LOOPBACK,
            object_store_memory=_OBJECT_STORE_BYTES,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )


def _join(address: str) -> Any:
    """Joins a cluster that runs."""
    head = head_address(address)
    try:
        return _init(head)
    except (ConnectionError, ValueError, RuntimeError) as error:
        said = " ".join(str(error).split())
        raise ConfigurationError(f"the Ray cluster at --address {head} cannot be joined: {said}") from None


def _init(address: str) -> Any:
    import ray

    with _own_handler(blocked=True):
        return ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)


def _leave() -> None:
    """Leaves Ray, whose core gives SIGTERM back to the operating system on its way, behind Python's back."""
    import ray

    with _own_handler(blocked=True):
        ray.shutdown()


@contextmanager
def _own_handler(*, blocked: bool) -> Iterator[None]:
    """Keeps this process's handler of SIGTERM through a start or an end of Ray, which put in others.

    Those end the process at once or in three seconds; the signal is sent again to whoever had it before.
    blocked: it waits until the body is over.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before, taken = signal.getsignal(signal.SIGTERM), False
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}) if blocked else None
    try:
        yield
    except SystemExit as error:
        if error.code != signal.SIGTERM:
            raise
        taken = True
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    if taken:
        signal.raise_signal(signal.SIGTERM)
        raise KeyboardInterrupt
