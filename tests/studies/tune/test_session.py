"""Ray as a study starts it: on this machine alone, and gone with the process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from studies.errors import StudyError
from studies.processes import MARK, marked, of_session
from studies.tune.head import Head
from studies.tune.private.part import SWITCH
from studies.tune.session import begin_ray, ray_session

needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads Linux's /proc")

LISTENS = """
import os
from studies.tune.session import ray_session

def loaded():
    import sys
    return "torch" in sys.modules

before = dict(os.environ)
with ray_session(cores=1):
    import ray
    # A cluster that this process starts later is none of this session's business.
    assert {name for name in os.environ.keys() - before.keys() if "CLUSTER" in name} == set()
    assert ray.get(ray.remote(loaded).remote())  # by the worker itself, before it is asked for anything
    print(ray.util.get_node_ip_address(), flush=True)
    input()
"""


@pytest.mark.ray
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's table of sockets")
@pytest.mark.parametrize("without", ["", "node"])
def test_ray_listens_on_the_loopback_interface_alone(without: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LISTENS],
        env={**os.environ, SWITCH: without},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
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
        with suppress(OSError):  # a thread or a process that has just ended
            for child in children.read_text().split():
                found |= descendants(int(child))
    return found


def addresses(pid: int) -> set[str]:
    """IPv4 addresses (IPv6 ones mapped to them) on which a process listens; none where it has ended."""
    inodes, lines = set(), []
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                target = str(link.readlink())
                if target.startswith("socket:["):
                    inodes.add(target[8:-1])
        for table in ("tcp", "tcp6"):
            lines += Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    found = set()
    if inodes:
        for line in lines:
            columns = line.split()
            if columns[3] == "0A" and columns[9] in inodes:
                word = columns[1].split(":")[0][-8:]  # the last four bytes, least significant first
                found.add(".".join(str(int(word[at : at + 2], 16)) for at in (6, 4, 2, 0)))
    return found


TRIES = """
import os, time
from contextlib import suppress
import psutil
from ray import tune
from studies.processes import of_session
from studies.tune.session import begin_ray, ray_session

def workers():
    idle = []
    for each in of_session(head.session):
        with suppress(psutil.Error):  # it has ended
            if "ray::IDLE" in " ".join(each.cmdline()):
                idle.append(each.pid)
    return idle

head = begin_ray(1)
with ray_session(cores=1, begun=head):
    while not (before := workers()):
        time.sleep(0.05)
    (result,) = tune.Tuner(lambda config: tune.report({"process": os.getpid()})).fit()
    assert [result.metrics["process"]] == before
"""


@needs_proc
@pytest.mark.ray
def test_trials_run_in_workers_that_were_started_before(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", TRIES], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


BEGINS = """
import os, signal, sys
from studies.tune.session import begin_ray

head = begin_ray(1)
print(head.session, head.address if sys.argv[1] == "up" else "", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@needs_proc
@pytest.mark.ray
@pytest.mark.parametrize("when", ["up", "starting"])
def test_a_ray_that_was_begun_is_gone_with_a_process_that_is_killed(when: str) -> None:
    done = subprocess.run([sys.executable, "-c", BEGINS, when], stdout=subprocess.PIPE, text=True)
    assert done.returncode == -signal.SIGKILL
    session, *address = done.stdout.split()
    assert len(address) == (when == "up")
    while of_session(int(session)):
        time.sleep(0.05)


HEARS = """
import os, signal
from studies.signals import terminable
from studies.tune.session import ray_session

with terminable():
    with ray_session(cores=1):
        pass
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except KeyboardInterrupt:
        print("heard")
"""


@pytest.mark.ray
def test_sigterm_is_heard_after_a_session_too() -> None:
    """Ray's core gives it back to the operating system when it is left."""
    done = subprocess.run([sys.executable, "-c", HEARS], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "heard"), done.stderr


@needs_proc
@pytest.mark.ray
def test_a_ray_that_was_begun_and_is_not_used_leaves_nothing() -> None:
    with begin_ray(1) as head:
        assert of_session(head.session)
    assert of_session(head.session) == []
    with begin_ray(1) as head:
        assert head.address.startswith("127.0.0.1:")
    assert of_session(head.session) == []


def test_a_head_that_fails_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "ray.py").write_text("raise Exception('there is\\nno room')")
    head = Head(1, {"PYTHONPATH": str(tmp_path)})
    with (
        pytest.raises(StudyError, match=r"^Ray could not be started on this machine: there is no room$"),
        ray_session(cores=1, begun=head),
    ):
        pass


@needs_proc
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
    assert marked(MARK, started[0]) == []
