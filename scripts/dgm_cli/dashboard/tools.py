"""The programs beside the page, a process each."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dgm_cli.dashboard.leash import end, last_line, leashed
from dgm_core.errors import ConfigurationError

INSTALL = "pip install -c scripts/constraints.txt -e '.[dashboards]'"
_START_SECONDS = 120.0
_TRIES = 3


@dataclass(frozen=True)
class Tool:
    """A web page that a program of someone else's serves.

    path: where its page begins.  line: what is run, see `leashed`, of a host, a port and the workspace.
    missing: what to do where it is not installed; None where it is.
    """

    name: str
    path: str
    line: Callable[[str, int, Workspace], list[str]]
    missing: Callable[[], str | None]


@dataclass(frozen=True)
class Workspace:
    """A folder with what is made of the followed runs, and the addresses of the page and the tools."""

    folder: Path
    addresses: dict[str, str] = field(default_factory=dict)


class Running:
    """A tool's process.  It ends when `stop` is called, and when this process does."""

    def __init__(self, tool: Tool, host: str, workspace: Workspace) -> None:
        self.tool = tool
        self.host = host
        self.port = 0
        self._workspace = workspace
        self._tries = 0
        self._log = workspace.folder / "logs" / f"{tool.name}.log"
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
        self._workspace.addresses[self.tool.name] = f"http://{reachable(self.host)}:{self.port}"
        return leashed(self.tool.line(self.host, self.port, self._workspace), self._log)

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
        cause = error.strerror if isinstance(error, OSError) else "no such port"
        raise ConfigurationError(f"nothing can be served at --host {host}, port {port}: {cause}.") from None
    return bound


def reachable(host: str) -> str:
    """A host as a URL of this machine has it."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{name}]" if ":" in name else name


def package(name: str, module: str, pip: str) -> Callable[[], str | None]:
    """Of a tool that is a Python package: whether it is missing."""

    def missing() -> str | None:
        if importlib.util.find_spec(module.partition(".")[0]) is not None:
            return None
        return f"{name} is left out: {pip} is not installed ({INSTALL})."

    return missing


OPTUNA = Tool(
    "Optuna's dashboard",
    "/dashboard",
    lambda host, port, workspace: [
        *("-m", "optuna_dashboard._cli", f"sqlite:///{workspace.folder / 'optuna.db'}"),
        *("--host", host, "--port", str(port), "--server", "wsgiref", "--quiet"),
    ],
    package("Optuna's dashboard", "optuna_dashboard", "optuna-dashboard"),
)
TENSORBOARD = Tool(
    "TensorBoard",
    "/",
    lambda host, port, workspace: [
        *("-m", "tensorboard.main", "--logdir", str(workspace.folder / "events")),
        *("--host", host, "--port", str(port), "--reload_interval", "5"),
    ],
    package("TensorBoard", "tensorboard", "tensorboard"),
)
