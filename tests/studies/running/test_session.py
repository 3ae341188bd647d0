"""Ray as a study starts it: on this machine alone, and gone with the process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from studies.errors import StudyError
from studies.running.reaper import MARK, marked
from studies.running.session import ray_session

LISTENS = """
import os
import ray
from studies.running.session import ray_session

@ray.remote
def loaded():
    import sys
    return "torch" in sys.modules

before = dict(os.environ)
with ray_session(cores=1):
    # A cluster that this process starts later is none of this session's business.
    assert {name for name in os.environ.keys() - before.keys() if "CLUSTER" in name} == set()
    assert ray.get(loaded.remote())  # by the worker itself, before it is asked for anything
    print(ray.util.get_node_ip_address(), flush=True)
    input()
"""


@pytest.mark.ray
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's table of sockets")
def test_ray_listens_on_the_loopback_interface_alone() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LISTENS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "127.0.0.1"
        family = descendants(process.pid)
        listening = {address for pid in family for address in addresses(pid)}
        process.communicate("\n")
    assert listening
    assert all(socket.inet_aton(address)[0] == 127 for address in listening), listening


def descendants(pid: int) -> set[int]:
    found = {pid}
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            found |= descendants(int(child))
    return found


def addresses(pid: int) -> set[str]:
    """IPv4 addresses (IPv6 ones mapped to them) on which a process listens."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(link.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and columns[9] in inodes:
                word = columns[1].split(":")[0][-8:]  # the last four bytes, least significant first
                found.add(".".join(str(int(word[at : at + 2], 16)) for at in (6, 4, 2, 0)))
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads Linux's /proc")
def test_a_ray_that_does_not_come_up_is_one_sentence_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import ray

    def too_late(**options: object) -> None:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        started.append(os.environ[MARK])
        raise Exception("The current node timed out during startup.\nThis could happen because …")

    started: list[str] = []
    monkeypatch.setattr(ray, "init", too_late)
    with (
        pytest.raises(StudyError, match=r"^Ray could not be started on this machine: .* startup\. This .*$"),
        ray_session(cores=1),
    ):
        pass
    assert list(marked(started[0])) == []
