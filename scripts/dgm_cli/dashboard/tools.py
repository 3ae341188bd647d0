"""The tools beside the page, a process each."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dgm_cli.dashboard.leash import end, last_line, leashed
from dgm_core.errors import ConfigurationError

INSTALL = "pip install -c scripts/constraints.txt -e '.[dashboards]'"
_START_SECONDS = 120.0
_TRIES = 3


@dataclass(frozen=True)
class Tool:
    """A web page that a Python package serves.

    package: as pip knows it; module: what is run; path: where its page begins; arguments: of a host, a port
    and the followed runs' workspace.
    """

    name: str
    package: str
    module: str
    path: str
    arguments: Callable[[str, int, Path], list[str]]

    @property
    def missing(self) -> str | None:
        """What to do where it is not installed; None where it is."""
        if importlib.util.find_spec(self.module.partition(".")[0]) is not None:
            return None
        return f"{self.name} is left out: {self.package} is not installed ({INSTALL})."


class Running:
    """A tool's process.  It ends when `stop` is called, and when this process does."""

    def __init__(self, tool: Tool, host: str, workspace: Path) -> None:
        self.tool = tool
        self.host = host
        self.port = 0
        self._workspace = workspace
        self._tries = 0
        self._log = workspace / "logs" / f"{tool.package}.log"
        self._log.parent.mkdir(exist_ok=True)
        self._process = self._started()

    @property
    def address(self) -> str:
        """Of its page, from this machine."""
        return f"http://{reachable(self.host)}:{self.port}{self.tool.path}"

    @property
    def alive(self) -> bool:
        """Whether its process is."""
        return self._process.poll() is None

    def wait(self) -> None:
        """Waits until its page answers.  Raises ConfigurationError, with what it said, where it does not."""
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if not self.alive:
                if self._tries == _TRIES:
                    raise ConfigurationError(f"{self.tool.name} ended at once: {last_line(self._log)}")
                self._process = self._started()  # another program may have taken the port meanwhile
            if time.monotonic() > deadline:
                raise ConfigurationError(f"{self.tool.name} did not start within {_START_SECONDS:.0f} s.")
            time.sleep(0.2)

    def stop(self) -> None:
        """Ends the process, and waits until it has."""
        end(self._process)

    def _started(self) -> subprocess.Popen[bytes]:
        self.port = free_port(self.host)
        self._tries += 1
        own = self.tool.arguments(self.host, self.port, self._workspace)
        return leashed(self.tool.module, own, self._log)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.address, timeout=5.0) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def free_port(host: str) -> int:
    """A port that nothing listens on now.  Raises ConfigurationError where it cannot listen on the host."""
    with listening(host, 0) as probe:
        return int(probe.getsockname()[1])


def listening(host: str, port: int) -> socket.socket:
    """A socket bound to a host's port; 0 is any that is free.

    Raises ConfigurationError where the port is taken or the host is another machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except (OSError, OverflowError) as error:
        bound.close()
        said = error.strerror if isinstance(error, OSError) else "no such port"
        raise ConfigurationError(f"nothing can be served at --host {host}, port {port}: {said}.") from None
    return bound


def reachable(host: str) -> str:
    """A host as a URL of this machine has it."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{name}]" if ":" in name else name


OPTUNA = Tool(
    "Optuna's dashboard",
    "optuna-dashboard",
    "optuna_dashboard._cli",
    "/dashboard",
    lambda host, port, workspace: [
        *(f"sqlite:///{workspace / 'optuna.db'}", "--host", host, "--port", str(port)),
        *("--server", "wsgiref", "--quiet"),
    ],
)
TENSORBOARD = Tool(
    "TensorBoard",
    "tensorboard",
    "tensorboard.main",
    "/",
    lambda host, port, workspace: [
        *("--logdir", str(workspace / "events"), "--host", host, "--port", str(port)),
        *("--reload_interval", "5"),
    ],
)
TOOLS = (OPTUNA, TENSORBOARD)
