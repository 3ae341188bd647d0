"""What is wrong with a cluster or an address is found before the first trial: one sentence, exit code 2."""

from __future__ import annotations

import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dgm_cli.cluster.nodes import SCRIPTS, LocalCluster, free_port
from dgm_core.errors import ConfigurationError
from studies.records.storage import Store
from studies.tune.cluster.address import _check_versions, head_address


def refused(environment: dict[str, str], folder: Path, *line: str) -> str:
    done = subprocess.run(
        [SCRIPTS / "dgm", *line], env=environment, cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not [path for path in folder.rglob("*") if path.is_file()]
    return done.stderr


@pytest.mark.ray
@pytest.mark.cluster
def test_a_wrong_token_is_one_sentence(cluster: LocalCluster, tmp_path: Path) -> None:
    line = ["run", "heat-search", "--quick", "--address", cluster.address]
    for token in ({"RAY_AUTH_TOKEN": "0" * 64}, {"RAY_AUTH_MODE": "disabled"}):
        message = refused({**cluster.environment, **token}, tmp_path, *line)
        assert "refuses this process's token: set RAY_AUTH_MODE=token" in message
    nowhere = {**cluster.environment, "RAY_AUTH_TOKEN": "", "RAY_AUTH_TOKEN_PATH": "/nowhere"}
    assert "asks for a token, but there is none to read" in refused(nowhere, tmp_path, *line)
    jobs = f"http://127.0.0.1:{cluster.dashboard}"
    submitted = ["submit", "heat-search", "--storage", "s3://a/b", "--address", jobs]
    message = refused({**cluster.environment, "RAY_AUTH_TOKEN": "0" * 64}, tmp_path, *submitted)
    assert "refuses this process's token" in message


@pytest.mark.ray
@pytest.mark.cluster
def test_what_nodes_cannot_do_is_one_sentence(cluster: LocalCluster, bucket: str, tmp_path: Path) -> None:
    run = ["run", "heat-search", "--quick", "--address", cluster.address]
    message = refused(cluster.environment, tmp_path, *run, "--trial-cpus", "2", "--storage", f"{bucket}/none")
    assert "a trial needs 2 cores, and no node has that: the most on one node is 1 core" in message
    assert Store.at(f"{bucket}/none").sizes() == {}
    # A folder that is another one in each process, as a disk is that nodes do not share.
    message = refused(cluster.environment, tmp_path, *run, "--storage", "/proc/self/cwd/own", "--out", "/tmp")
    assert "does not reach /proc/self/cwd/own" in message
    assert "give --storage a place that all nodes do" in message


def test_what_answers_is_no_cluster() -> None:
    class Page(BaseHTTPRequestHandler):
        pass

    with HTTPServer(("0.0.0.0", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(ConfigurationError, match="is not a Ray cluster"):
            head_address(f"127.0.0.1:{server.server_port}")
        server.shutdown()
    for address, said in (
        (f"127.0.0.1:{free_port()}", "Connection refused"),
        ("somewhere", "neither `auto` nor HOST:PORT"),
        ("127.0.0.1:head", "no Ray cluster answers"),
        ("ray://127.0.0.1:10001", "must be on a machine of the cluster"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            head_address(address)


def test_other_versions_are_named() -> None:
    with pytest.raises(ConfigurationError, match=r"runs Ray 2.1.0, and here is .*; Python 2.7.18, and"):
        _check_versions("a:1", {"ray_version": "2.1.0", "python_version": "2.7.18"})


@pytest.mark.ray
@pytest.mark.cluster
def test_a_port_that_is_taken_is_one_sentence() -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        done = subprocess.run(
            [SCRIPTS / "python", "-m", "dgm_cli.cluster.local", "2", "--port", str(server.server_port)],
            capture_output=True, text=True,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        f"scripts/cluster/local: port {server.server_port} is taken: another process listens on it.\n"
    )
