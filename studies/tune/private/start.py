"""A Ray of one study's own: what its quick start, its processes and this one need beyond `ray.init`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager

from studies.tune.private.part import PrivatePart
from studies.tune.surroundings import variable

NO_CLUSTER = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Ray's switch for systems on which it makes no clusters: at "0" it listens on the loopback interface."""
_SETTINGS = {
    # Workers train: at Ray's default niceness of 15 any other process would starve them.
    "RAY_worker_niceness": "0",
    # They import what trials need while this process still prepares the first of them.
    "RAY_preload_python_modules": "studies.tune.preload",
    # A node's parts look for each other ten times, a second apart: as long, and as soon as they are there.
    "RAY_raylet_client_connect_timeout_milliseconds": "20",
    "RAY_raylet_client_num_connect_attempts": "500",
}


def _starts() -> bool:
    """What this process needs to join such a node, and what `node.py` needs to start one."""
    from ray._private import node, ray_constants, services, utils
    from ray._private.authentication import authentication_token_setup as tokens
    from ray._private.parameter import RayParams

    used = (
        *(node.Node, services.get_node, services.start_api_server, utils.get_dashboard_dependency_error),
        *(tokens.enable_token_auth_by_default, tokens.ensure_token_if_auth_enabled),
    )
    settings = {"num_cpus", "object_store_memory", "node_ip_address", "dashboard_host", "include_dashboard"}
    known = inspect.signature(RayParams).parameters.keys() >= settings
    return known and all(map(callable, used)) and isinstance(ray_constants.ENABLE_RAY_CLUSTER, bool)


NODE = PrivatePart("node", "Ray is started by ray.init, later and more slowly", _starts)
SETTINGS = PrivatePart("settings", "workers start late and yield to other processes", lambda: True)


def settings() -> dict[str, str]:
    """Undocumented variables for Ray's processes; a Ray that does not know one passes over it."""
    return _SETTINGS if SETTINGS.usable else {}


@contextmanager
def joining_own_node() -> Iterator[None]:
    """Lets a Ray that is joined inside be the study's own: by its token, on the loopback interface.

    This process then listens on that interface too.  Ray reads its switch for that from the environment when
    it is imported, which has happened here, and later.  Nothing of it stays: a cluster that this process or a
    child of it starts or joins later is none of this one's business.
    """
    from ray._private import ray_constants
    from ray._private.authentication.authentication_token_setup import enable_token_auth_by_default

    enable_token_auth_by_default()
    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        with loopback():
            yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


@contextmanager
def loopback() -> Iterator[None]:
    """Has Ray, where it is imported or started inside, listen on the loopback interface."""
    with variable(NO_CLUSTER, "0"):
        yield
