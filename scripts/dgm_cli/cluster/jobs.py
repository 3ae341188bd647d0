"""The jobs of a Ray cluster: by the address of its dashboard, or through Ray Client (ray://HOST:PORT)."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import socket
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from dgm_core.errors import ConfigurationError

CLIENT = "ray://"
_SECONDS = 5.0
_ATTEMPTS = 3
_SERVER_DIED = "Starting Ray client server failed"
_TOKENS = (
    "refuses this process's token: set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH to the "
    "token that the head was started with."
)


class Jobs(Protocol):
    """The jobs of one cluster.  All raise RuntimeError where the cluster refuses."""

    def submit(self, folder: Path, environment: dict[str, Any], **job: Any) -> str:
        """Submits a job whose working directory is a copy of a folder; its name."""

    def status(self, job: str) -> str:
        """PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED."""

    def show(self, job: str, shown: int) -> int:
        """Prints a job's output from a character on, for a while; how many there were."""

    def stop(self, job: str) -> bool:
        """Asks a job to end; whether it was going on."""


@contextmanager
def cluster_jobs(address: str) -> Iterator[Jobs]:
    """The jobs of the cluster at an address.

    Raises ConfigurationError, in one sentence, where they cannot be reached.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)
    os.environ.pop("RAY_ADDRESS", None)  # it would be used in place of the address that is given
    if address.startswith(CLIENT):
        with _client(address) as clerk:
            yield _ThroughClient(clerk)
    elif address.startswith(("http://", "https://")):
        yield _ByDashboard(_dashboard(address))
    else:
        raise ConfigurationError(
            f"--address {address} is not allowed: write http://HEAD:8265 or ray://HEAD:10001."
        )


def one_line(error: BaseException) -> str:
    """What an error says, in one line that is not long."""
    return " ".join(str(error).split())[:300]


class _ByDashboard:
    def __init__(self, client: Any) -> None:
        self._client = client

    def submit(self, folder: Path, environment: dict[str, Any], **job: Any) -> str:
        return str(self._client.submit_job(runtime_env={**environment, "working_dir": str(folder)}, **job))

    def status(self, job: str) -> str:
        return str(self._client.get_job_status(job).value)

    def show(self, job: str, shown: int) -> int:
        return asyncio.run(self._tail(job, shown))  # until the connection is lost, or the job ends

    def stop(self, job: str) -> bool:
        return bool(self._client.stop_job(job))

    async def _tail(self, job: str, shown: int) -> int:
        seen = 0
        async for text in self._client.tail_job_logs(job):
            print(text[max(0, shown - seen) :], end="", file=sys.stderr, flush=True)
            seen += len(text)
        return max(seen, shown)


class _ThroughClient:
    def __init__(self, clerk: Any) -> None:
        self._clerk = clerk

    def submit(self, folder: Path, environment: dict[str, Any], **job: Any) -> str:
        return str(self._asked(self._clerk.submit.remote(_packed(folder), environment, **job)))

    def status(self, job: str) -> str:
        return str(self._asked(self._clerk.status.remote(job)))

    def show(self, job: str, shown: int) -> int:
        text = str(self._asked(self._clerk.output.remote(job, shown)))
        print(text, end="", file=sys.stderr, flush=True)
        return shown + len(text)

    def stop(self, job: str) -> bool:
        return bool(self._asked(self._clerk.stop.remote(job)))

    @staticmethod
    def _asked(answer: Any) -> Any:
        import ray
        from ray.exceptions import RayError

        try:
            return ray.get(answer)
        except RayError as error:
            raise RuntimeError(one_line(error.__cause__ or error)) from error


def _packed(folder: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                packed.write(path, path.relative_to(folder))
    return content.getvalue()


def _connect(address: str) -> None:
    """Joins through Ray Client.  Its proxy starts a server for each client; one that dies is replaced."""
    import ray

    for attempt in range(1, _ATTEMPTS + 1):
        try:
            ray.init(address, logging_level=logging.CRITICAL, log_to_driver=False)
            return
        except ConnectionAbortedError as error:
            if attempt == _ATTEMPTS or _SERVER_DIED not in str(error):
                raise


@contextmanager
def _client(address: str) -> Iterator[Any]:
    """An actor on the head, which speaks for whoever is connected."""
    import ray

    from dgm_cli.cluster import clerk

    host, _, port = address.removeprefix(CLIENT).rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS).close()
    except (OSError, OverflowError, ValueError):
        raise ConfigurationError(
            f"no Ray client server answers at --address {address}: write ray://HEAD:PORT, by default 10001."
        ) from None
    try:
        _connect(address)
    except Exception as error:  # bare ones, of versions that differ, tokens, and whatever else answers there
        if any(word in str(error).lower() for word in ("token", "unauthenticated")):
            raise ConfigurationError(f"the Ray cluster at --address {address} {_TOKENS}") from None
        raise ConfigurationError(
            f"the Ray cluster at --address {address} cannot be joined: {one_line(error)}"
        ) from None
    try:
        ray.cloudpickle.register_pickle_by_value(clerk)
        place = {"num_cpus": 0, "resources": {"node:__internal_head__": 0.001}}
        yield ray.remote(clerk.Clerk).options(**place).remote()
    finally:
        ray.shutdown()


def _dashboard(address: str) -> Any:
    from ray.exceptions import AuthenticationError
    from ray.job_submission import JobSubmissionClient

    try:
        return JobSubmissionClient(address)
    except ConnectionError:
        raise ConfigurationError(f"no Ray dashboard answers at --address {address}.") from None
    except (AuthenticationError, RuntimeError) as error:
        if any(word in str(error) for word in ("401", "403", "token")):
            raise ConfigurationError(f"the Ray cluster at --address {address} {_TOKENS}") from None
        raise ConfigurationError(f"Ray takes no jobs at --address {address}: {one_line(error)}") from None
    except Exception as error:  # what an HTTP client says of something that is no Ray
        raise ConfigurationError(
            f"what answers at --address {address} is not Ray: {one_line(error)}"
        ) from None
