"""Two Ray nodes of real processes on this machine, started and ended by their own process ids."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from sysconfig import get_path

import psutil

SCRIPTS = Path(get_path("scripts"))


@dataclass(frozen=True)
class Cluster:
    """Where it answers, and the environment of everything that talks to it."""

    address: str
    environment: dict[str, str]
    raylets: tuple[int, ...]
    """Process ids of the nodes' raylets: workers are their children."""


@contextmanager
def two_nodes(folder: Path) -> Iterator[Cluster]:
    """A head and a second node of one core each, started in `folder`; none of their processes is left.

    Ray's sockets need a short path: its folder is one of its own under the system's.
    """
    temporary = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    address = f"127.0.0.1:{_free_port()}"
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "OMP_NUM_THREADS": "1",
    }
    common = ["--num-cpus=1", "--disable-usage-stats", "--object-store-memory=100000000", "--block"]
    port = address.partition(":")[2]
    nodes = [
        ["--head", f"--port={port}", f"--temp-dir={temporary}", "--include-dashboard=false"],
        [f"--address={address}", f"--dashboard-agent-listen-port={_free_port()}"],
    ]
    started: list[psutil.Process] = []
    raylets = []
    try:
        for node in nodes:
            log, command = folder / f"node-{len(started)}.log", [SCRIPTS / "ray", "start", *common, *node]
            with log.open("w") as output:
                process = subprocess.Popen(
                    command, env=environment, cwd=folder, stdout=output, stderr=subprocess.STDOUT
                )
            started.append(psutil.Process(process.pid))
            raylets.append(_raylet(process, log))
        yield Cluster(address, environment, tuple(raylets))
    finally:
        _end(started)
        shutil.rmtree(temporary, ignore_errors=True)


def _raylet(node: subprocess.Popen[bytes], log: Path) -> int:
    """The process id of a node's raylet, once the node has joined."""
    while "Ray runtime started" not in log.read_text():
        try:
            node.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(log.read_text())
    return next(own.pid for own in psutil.Process(node.pid).children() if own.name() == "raylet")


def _end(started: list[psutil.Process]) -> None:
    """Ends the processes and all that they have started."""
    there = [process for process in started if process.is_running()]
    family = [own for process in there for own in (*process.children(recursive=True), process)]
    for signal in (psutil.Process.terminate, psutil.Process.kill):
        for process in family:
            if process.is_running():
                signal(process)
        _, family = psutil.wait_procs(family, timeout=5)
    assert not family


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
