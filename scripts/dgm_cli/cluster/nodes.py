"""Several Ray nodes of real processes on this machine, found and ended by a mark in their environment."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from sysconfig import get_path
from types import TracebackType

import psutil

from dgm_core.errors import ConfigurationError
from studies.errors import StudyError
from studies.processes import end, kill, marked

SCRIPTS = Path(get_path("scripts"))
HOST = "127.0.0.1"
MARK = "DGM_LOCAL_CLUSTER"
_STARTED = "Ray runtime started"
_START_SECONDS = 120.0


@dataclass(frozen=True)
class Node:
    """A node: its name, the process of `ray start`, and what it wrote."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def processes(self) -> list[psutil.Process]:
        """All processes that the node has started and that are left, whoever their parents are now."""
        return marked(MARK, self.name)

    def kill(self) -> None:
        """Takes the node away as a power cut does."""
        kill(lambda: self.processes)
        self.process.wait()


@dataclass
class LocalCluster:
    """A head and further nodes on this machine, which ask for a token; none of their processes is left after.

    port: the head's, by default a free one; dashboard: that of Ray's dashboard and of its jobs, none without.
    """

    port: int | None = None
    dashboard: int | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = self.port or free_port()
        self.client = free_port()
        self.token = secrets.token_hex(32)
        self.nodes: list[Node] = []
        self._mark = secrets.token_hex(8)
        # Ray's sockets need a short path.
        self._folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))

    @property
    def address(self) -> str:
        """Of the head, for `dgm run --address`."""
        return f"{HOST}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Of whatever talks to the cluster."""
        others = ("PYTHONPATH", "RAY_ADDRESS")
        kept = {name: value for name, value in os.environ.items() if name not in others}
        kept["PATH"] = f"{SCRIPTS}:{kept.get('PATH', '')}"  # a job is run by the `python` that is found first
        return {**kept, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token, **self.extra}

    def start(self, nodes: int, *, cpus: float = 1) -> None:
        """Starts a head and `nodes` - 1 others beside it.

        Raises ConfigurationError where a port is taken, and StudyError where a node does not start.
        """
        for port in (self.port, self.dashboard):
            if port is not None and _taken(port):
                raise ConfigurationError(f"port {port} is taken: another process listens on it.")
        shown = ["--include-dashboard=false"]
        if self.dashboard is not None:
            shown = ["--dashboard-host=127.0.0.1", f"--dashboard-port={self.dashboard}"]
        ports = [f"--port={self.port}", f"--ray-client-server-port={self.client}"]
        self._started(["--head", *ports, *shown], cpus)
        for _ in range(nodes - 1):
            self.add(cpus=cpus)

    def add(self, *, cpus: float = 1) -> Node:
        """Lets another node join.  Raises StudyError where it does not start."""
        return self._started([f"--address={self.address}"], cpus)

    def _started(self, line: list[str], cpus: float) -> Node:
        """A node that is up; Ray gives each 30 s, which a busy machine may not hold the first time."""
        node = self._start(line, cpus)
        try:
            self._await(node)
        except StudyError:
            node.kill()
            node = self._start(line, cpus)
            self._await(node)
        return node

    def _start(self, line: list[str], cpus: float) -> Node:
        number = len(self.nodes)
        name, log = f"{self._mark}-{number}", self._folder / f"node-{number}.log"
        common = ["--disable-usage-stats", "--object-store-memory=100000000", "--block"]
        # A folder of its own: of one that they share each would remove what it needs no more.
        flags = [f"--dashboard-agent-listen-port={free_port()}", f"--temp-dir={self._folder / str(number)}"]
        with log.open("w") as output:
            process = subprocess.Popen(
                [SCRIPTS / "ray", "start", f"--num-cpus={cpus:g}", *common, *flags, *line],
                env={**self.environment, MARK: name, "OMP_NUM_THREADS": "1"},
                cwd=self._folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for whoever started the cluster, who ends it in order
            )  # fmt: skip
        node = Node(name, process, log)
        self.nodes.append(node)
        return node

    def _await(self, node: Node) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while _STARTED not in node.log.read_text():
            if node.process.poll() is not None or time.monotonic() > deadline:
                said = " ".join(node.log.read_text().split())[-400:]
                raise StudyError(f"a Ray node did not start: {said}")
            time.sleep(0.1)

    def close(self) -> None:
        """Ends all processes of all nodes, and removes Ray's files."""
        end([process for node in self.nodes for process in node.processes])
        for node in self.nodes:
            node.process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> LocalCluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
