"""Ray Client: a server that dies as it starts is started again, and whatever else fails is told at once."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import ray

from dgm_cli.cluster import jobs
from dgm_core.errors import ConfigurationError

DIED = "Initialization failure from server:\nRuntimeError: Starting Ray client server failed. See its log."


@pytest.fixture
def address() -> Iterator[str]:
    """Of a port that listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"ray://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("said", "joined", "attempts"),
    [([DIED, DIED], True, 3), ([DIED, DIED, DIED], False, 3), (["Version mismatch"], False, 1)],
)
def test_a_client_server_that_dies_is_started_again(
    said: list[str], joined: bool, attempts: int, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, asked = iter(said), []

    def init(place: str, **_: object) -> None:
        asked.append(place)
        if text := next(answers, None):
            raise ConnectionAbortedError(text)

    monkeypatch.setattr(ray, "init", init)
    if joined:
        jobs._connect(address)
    else:
        with pytest.raises(ConfigurationError, match="cannot be joined"), jobs._client(address):
            pass
    assert asked == [address] * attempts
