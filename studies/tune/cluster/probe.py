"""What each node of a cluster can do for a study, tried before the first trial."""

from __future__ import annotations

import os
from typing import Any

from dgm_core import ConfigurationError
from studies.records import STUDY, environment
from studies.records.storage import Store, StoreError

_SECONDS = 120.0
"""That a node may take to start a worker and import this program."""


def check_nodes(store: Store) -> list[str]:
    """Has every node read and write the store of a run; how its versions differ from those here, in words.

    Raises ConfigurationError, in one sentence, where a node lacks this program or does not reach the store.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    probe = ray.remote(num_cpus=0, max_retries=0)(_probe)
    asked = {}
    for node in ray.nodes():
        if node["Alive"]:
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            asked[probe.options(scheduling_strategy=there).remote(store)] = node["NodeManagerAddress"]
    here, differ = environment.versions(), []
    for answer, name in asked.items():
        try:
            problem, versions = ray.get(answer, timeout=_SECONDS)
        except ray.exceptions.GetTimeoutError:
            problem, versions = f"did not answer within {_SECONDS:.0f} s", here
        except ray.exceptions.RayError as error:
            problem, versions = _lacking(error), here
        if problem is not None:
            raise ConfigurationError(f"the node {name} {problem}.")
        differ += [
            f"{name}: {package} {versions[package]}, here {here[package]}"
            for package in here
            if versions[package] != here[package]
        ]
    return differ


def _probe(store: Store) -> tuple[str | None, dict[str, str]]:
    """On a node: what keeps it from reading and writing the store, if anything does, and its versions."""
    versions = environment.versions()
    try:
        if store.read(STUDY) is None:
            return f"does not reach {store}: give --storage a place that all nodes do", versions
        key = f".nodes/{os.uname().nodename}-{os.getpid()}"
        store.write(key, b"")
        store.remove(key)
    except (OSError, StoreError) as error:
        cause = getattr(error, "strerror", None) or str(error).removeprefix(f"{store} ").rstrip(".")
        return f"cannot use {store}: {cause}", versions
    return None, versions


def _lacking(error: Any) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    missing = [line for line in lines if "No module named" in line]
    return f"cannot run this program: {(missing or lines or [type(error).__name__])[-1].rstrip('.')}"
