"""A bucket of a real S3 server, and a cluster of three nodes of real processes."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from dgm_cli.cluster.nodes import LocalCluster, free_port

BUCKET = "studies"


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, str]]:
    """The environment of whoever talks to a server that holds an empty bucket `BUCKET`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    endpoint = f"http://127.0.0.1:{port}"
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT"))
    try:
        yield {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
    finally:
        server.stop()


@pytest.fixture
def bucket(s3: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The bucket's address, this process's environment being that of the server."""
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}"


@pytest.fixture(scope="module")
def cluster(s3: dict[str, str]) -> Iterator[LocalCluster]:
    """Three nodes of one core each, whose environment knows the bucket; the head takes jobs."""
    with LocalCluster(extra=s3, dashboard=free_port()) as nodes:
        nodes.start(3)
        yield nodes
