"""What Ray's head says of its cluster: its address, its versions, what its autoscaler may start."""

from __future__ import annotations

import inspect
import json
from typing import Any

from studies.tune.private.part import PrivatePart


def _answers() -> bool:
    from ray._private.grpc_utils import init_grpc_channel
    from ray._private.services import canonicalize_bootstrap_address
    from ray.core.generated.gcs_service_pb2 import InternalKVGetRequest
    from ray.core.generated.gcs_service_pb2_grpc import InternalKVGcsServiceStub

    known = (
        init_grpc_channel,
        canonicalize_bootstrap_address,
        InternalKVGetRequest,
        InternalKVGcsServiceStub,
    )
    return all(callable(each) for each in known)


def _scales() -> bool:
    from ray._private.state import state

    return not inspect.signature(state.get_cluster_config).parameters


HEAD = PrivatePart("head", "a cluster that cannot be joined is told by Ray, later and at length", _answers)
AUTOSCALER = PrivatePart("autoscaler", "what a cluster's autoscaler may start is not known", _scales)


def bootstrap_address(address: str) -> str | None:
    """The "HOST:PORT" that Ray makes of an address, "auto" too; None where it knows of no cluster.

    Raises whatever a host's name runs into.
    """
    from ray._private.services import canonicalize_bootstrap_address

    resolved = canonicalize_bootstrap_address(address)
    return None if resolved is None else str(resolved)


def cluster_metadata(address: str, seconds: float) -> dict[str, str]:
    """What the head at an address says of itself, its versions among it.

    Raises grpc.RpcError, ray.exceptions.AuthenticationError and ValueError.
    """
    from ray._private.grpc_utils import init_grpc_channel
    from ray.core.generated.gcs_service_pb2 import InternalKVGetRequest
    from ray.core.generated.gcs_service_pb2_grpc import InternalKVGcsServiceStub

    asked = InternalKVGetRequest(namespace=b"cluster", key=b"CLUSTER_METADATA")
    with init_grpc_channel(address) as channel:
        answer = InternalKVGcsServiceStub(channel).InternalKVGet(asked, timeout=seconds)
    metadata: dict[str, str] = json.loads(answer.value)
    return metadata


def autoscaler_nodes() -> list[dict[str, Any]]:
    """Amounts by Ray's names of each kind of node that the autoscaler may start; none without one."""
    from ray._private.state import state

    config = state.get_cluster_config()
    groups = config.node_group_configs if config is not None else ()
    return [dict(group.resources) for group in groups if group.max_count != 0]
