"""Whether a Ray cluster answers at an address, asked before Ray does, which tries for minutes and aloud."""

from __future__ import annotations

import os
import platform
import socket
from importlib.metadata import version

from dgm_core import ConfigurationError
from studies.tune.private.cluster import HEAD, bootstrap_address, cluster_metadata

_SECONDS = 5.0
"""That a head may take to answer."""
_TOKENS = (
    "set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH to the token that the head was "
    "started with (its `ray get-auth-token`)"
)


def head_address(address: str) -> str:
    """The head's "HOST:PORT" of a cluster at an address: "auto", or that itself.

    Where Ray's head cannot be asked by this program, "auto" stays what it is, and joining will tell the rest.
    Raises ConfigurationError, in one sentence, where nothing answers there, where it asks for another token,
    and where it runs another version of Ray or Python.
    """
    if "://" in address:
        raise ConfigurationError(
            f"--address {address} is not allowed: trials report to the process that runs the study, which "
            "must be on a machine of the cluster (--address HOST:PORT there, or dgm submit from here)."
        )
    resolved = _found(address) if HEAD.usable else os.environ.get("RAY_ADDRESS", address)
    if resolved == "auto":
        return resolved
    host, _, port = resolved.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_SECONDS).close()
    except (OSError, OverflowError, ValueError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(
            f"no Ray cluster answers at --address {address}: {resolved}: {cause}."
        ) from None
    if HEAD.usable:
        _check_versions(address, _metadata(address, resolved))
    return resolved


def _found(address: str) -> str:
    try:
        resolved = bootstrap_address(address)
    except Exception:  # bare ones, of whatever a host's name runs into
        raise ConfigurationError(
            f"no Ray cluster answers at --address {address}: it is neither `auto` nor HOST:PORT."
        ) from None
    if resolved is None:
        raise ConfigurationError(
            f"no Ray cluster answers at --address {address}: none was started on this machine "
            "(`ray start --head`, or `ray start --address=HOST:PORT` to join one)."
        )
    return resolved


def _metadata(address: str, resolved: str) -> dict[str, str]:
    """What the head says of itself: the versions that it runs."""
    import grpc
    from ray.exceptions import AuthenticationError

    try:
        return cluster_metadata(resolved, _SECONDS)
    except AuthenticationError:
        raise ConfigurationError(
            f"the Ray cluster at --address {address} asks for a token, but there is none to read: {_TOKENS}."
        ) from None
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.UNAUTHENTICATED:
            raise ConfigurationError(
                f"the Ray cluster at --address {address} refuses this process's token: {_TOKENS}."
            ) from None
        raise ConfigurationError(f"what answers at --address {address} is not a Ray cluster.") from None
    except ValueError:
        raise ConfigurationError(f"what answers at --address {address} is not a Ray cluster.") from None


def _check_versions(address: str, there: dict[str, str]) -> None:
    here = {"Ray": version("ray"), "Python": platform.python_version()}
    other = {"Ray": there.get("ray_version"), "Python": there.get("python_version")}
    differ = [f"{name} {other[name]}, and here is {here[name]}" for name in here if other[name] != here[name]]
    if differ:
        raise ConfigurationError(
            f"the Ray cluster at --address {address} runs {'; '.join(differ)}: they must be the same."
        )
