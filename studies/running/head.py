"""A Ray of one study's own on this machine, started by a process of its own while the study's still imports.

Run as a script, this file is that process: it starts what a Ray node needs, says where it is, and ends it all
when whoever began it lets go or is gone.  Left out is what such a study has no use for, half of what a node's
start takes otherwise: the server of Ray's web interface, which comes up even where no interface is asked for,
the monitor of an autoscaler, and what brings the workers' output to the driver.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any

from studies.running.reaper import MARK

NO_CLUSTER = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Ray's switch for systems on which it makes no clusters: at "0" it listens on the loopback interface."""
_LOOPBACK = "127.0.0.1"
_OBJECT_STORE_BYTES = 100_000_000
_LOOK_SECONDS = 0.02
_START_SECONDS = 30.0
_END_SECONDS = 20.0


class Head:
    """A Ray node of `cores` cores that is starting, or has; it listens on the loopback interface alone.

    environment: of all its processes, beyond that of this one.  dashboard: with Ray's web interface.  `mark`
    is the one that its processes carry, see `studies.running.reaper`.
    """

    def __init__(self, cores: int, environment: Mapping[str, str], *, dashboard: bool = False) -> None:
        self.mark = uuid.uuid4().hex
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, json.dumps({"cores": cores, "dashboard": dashboard})],
            env={"RAY_AUTH_MODE": "token", **environment, **os.environ, NO_CLUSTER: "0", MARK: self.mark},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for whoever began it
        )  # fmt: skip
        self._told: dict[str, str] = {}

    @property
    def address(self) -> str:
        """Where it listens, "HOST:PORT", as soon as it does.  Raises RuntimeError where it does not start."""
        if not self._told:
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            self._told = json.loads(line) if line else {"error": "the process that starts it has ended."}
        if "error" in self._told:
            raise RuntimeError(self._told["error"])
        return self._told["address"]

    def close(self) -> None:
        """Ends it and all that it has started; once more does nothing."""
        if self._process.returncode is None:
            with suppress(subprocess.TimeoutExpired):
                self._process.communicate(timeout=_END_SECONDS)
            self._process.kill()  # where it has not ended; what it started ends with it
            self._process.wait()

    def __enter__(self) -> Head:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _hold(asked: str) -> None:
    """Starts a node, says where it is, and ends it when standard input does."""
    node = None
    try:
        node = _start(**json.loads(asked))
        told = {"address": node.address}
    except Exception as error:  # Ray raises bare ones where its processes do not come up in time
        told = {"error": " ".join(str(error).split()) or type(error).__name__}
    with suppress(BrokenPipeError):
        print(json.dumps(told), flush=True)
    sys.stdin.buffer.read()
    if node is not None:
        node.kill_all_processes(check_alive=False, allow_graceful=True)


def _start(cores: int, dashboard: bool) -> Any:
    """The node, when it is up.

    Ray's own classes for that are private, and `ray start`, which is not, takes twice as long.
    """
    from ray._private import services, utils
    from ray._private.authentication.authentication_token_setup import ensure_token_if_auth_enabled
    from ray._private.node import Node
    from ray._private.parameter import RayParams

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
    _hold(sys.argv[1])
