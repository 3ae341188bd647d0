"""Holds a Ray node for one study on this machine: run as a script by `studies.tune.head`, needs Ray alone.

It starts what a node needs, says where it is, and ends it all when whoever began it lets go or is gone.
Where Ray's private classes are not as this script knows them, it says that, and the study calls `ray.init`.

Half of a node's usual start is left out, as such a study has no use for it: the server of Ray's web
interface, which comes up even where no interface is asked for, the monitor of an autoscaler, and what brings
the workers' output to the driver.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import runpy
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_LOOPBACK = "127.0.0.1"
_OBJECT_STORE_BYTES = 100_000_000
_MOST_FILES = 65_536
_LOOK_SECONDS = 0.02
_START_SECONDS = 30.0


def hold(asked: str) -> None:
    """Starts a node, says where it is, and ends it when standard input does."""
    gc.disable()  # it imports, and then waits
    answer = os.dup(1)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # what others print, here or in a process of the node, is no answer
    node = None
    try:
        node = _start(**json.loads(asked))
        message = {"address": node.address}
    except (ImportError, AttributeError, TypeError) as error:
        message = {"differs": f"{type(error).__name__}: {error}"}
    except Exception as error:  # Ray raises bare ones where its processes do not come up in time
        message = {"error": " ".join(str(error).split()) or type(error).__name__}
    with suppress(BrokenPipeError):  # whoever began it is gone
        os.write(answer, f"{json.dumps(message)}\n".encode())
    os.close(answer)
    sys.stdin.buffer.read()
    if node is not None:
        node.kill_all_processes(check_alive=False, allow_graceful=True)
    # The raylet's agents would live on for a minute.
    runpy.run_path(str(Path(__file__).parents[2] / "processes.py"))["kill_session"](os.getsid(0))


def _start(cores: int, dashboard: bool) -> Any:
    """The node, when it is up.

    Ray's own classes for that are private, and `ray start`, which is not, takes twice as long.
    """
    from ray._private import services, utils
    from ray._private.authentication.authentication_token_setup import ensure_token_if_auth_enabled
    from ray._private.node import Node
    from ray._private.parameter import RayParams

    _allow_files()
    ensure_token_if_auth_enabled(None, create_token_if_missing=True)
    services.get_node = _promptly(services.get_node)
    if not dashboard:
        # What Ray goes on with where it is installed without its interface, and where the server of that
        # does not come up.
        utils.get_dashboard_dependency_error = lambda: ImportError("not asked for")
        services.start_api_server = lambda *given, **options: (None, None)
    return Node(
        RayParams(
            num_cpus=cores,
            object_store_memory=_OBJECT_STORE_BYTES,
            node_ip_address=_LOOPBACK,
            dashboard_host=_LOOPBACK,
            include_dashboard=dashboard,
            include_log_monitor=False,
            no_monitor=True,
        ),
        head=True,
        shutdown_at_exit=False,
        spawn_reaper=True,
        ray_init_cluster=True,
    )


def _allow_files() -> None:
    """As many open files as `ray.init` asks for; each worker takes some of the raylet's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _promptly(get_node: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    """Ray's own way to wait for a node, which looks once a second, called when there is one to be seen."""
    from ray._private.services import GcsClient

    def seen(address: str, node: str) -> Any:
        client, deadline = GcsClient(address=address), time.monotonic() + _START_SECONDS
        while not client.get_all_node_info() and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        return get_node(address, node)

    return seen


if __name__ == "__main__":
    hold(sys.argv[1])
