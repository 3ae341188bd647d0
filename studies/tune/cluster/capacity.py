"""What the nodes of a session have, and how many trials train on them at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dgm_core import ConfigurationError
from studies.records.words import counted
from studies.study import Resources
from studies.study.resources import amount
from studies.tune.private.cluster import AUTOSCALER, autoscaler_nodes

Node = Mapping[str, float]
"""Amounts by Ray's names: CPU, GPU, memory (bytes)."""

_GRAIN = 1e4
"""Ray counts in ten-thousandths."""
_WORDS = {"CPU": "core", "GPU": "GPU"}


@dataclass(frozen=True)
class Places:
    """Where a study's trials train.

    gpus: of all nodes, which trials that ask for no number of them share.  limit: of cores, for this study.
    joined: the cluster is someone's own, to which nodes may come.
    """

    resources: Resources
    gpus: float = 0.0
    limit: int | None = None
    joined: bool = False

    @classmethod
    def of(cls, resources: Resources, gpus: float, *, limit: int | None, joined: bool) -> Places:
        """Those of the running session.

        Raises ConfigurationError, in one sentence, where no node has what a trial asks for, or is to come.
        """
        there, coming = alive(), expected() if joined else []
        if coming is not None and not fitting([*there, *coming], resources.asked):
            most = ", ".join(_most(there, name) for name in resources.asked)
            raise ConfigurationError(
                f"a trial needs {resources}, and no node has that: the most on one node is {most}."
            )
        return cls(resources, gpus, limit, joined)

    @property
    def trains(self) -> int:
        """How many trials train at once on the nodes that are up."""
        there = fitting(alive(), self.resources.asked)
        return there if self.limit is None else min(there, max(1, int(self.limit / self.resources.cpus)))

    def share(self, together: int) -> dict[str, float]:
        """What a trial reserves, of which `together` at least have a place, though fewer may train.

        A trial that waits for the results of others keeps its place and trains nothing: cores and GPUs are
        reserved in shares so small that all have a place on the smallest node, should only that be left.
        Memory is reserved whole.  Where no node is up that has what is asked for, and what may come is not
        known, a trial reserves just that.  Raises ConfigurationError where it does not suffice.
        """
        coming = expected() if self.joined else []
        there = [node for node in [*alive(), *(coming or ())] if fitting([node], self.resources.asked)]
        reserved = dict(self.resources.asked)
        for name in ("CPU", "GPU"):
            least = min((node.get(name, 0.0) for node in there), default=math.inf)
            if name in reserved and reserved[name] * together > least:
                reserved[name] = _rounded(least / together)
        if self.gpus and self.resources.gpus is None:
            reserved["GPU"] = _rounded(min(1.0, self.gpus / max(together, self.trains)))
        if (there or coming is not None) and (room := fitting(there, reserved)) < together:
            raise ConfigurationError(
                f"the study has {counted(together, 'trial')} under way at once, each with {self.resources}: "
                f"the nodes have room for only {room}."
            )
        return reserved


def alive() -> list[Node]:
    """The nodes that are up."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def expected() -> list[Node] | None:
    """What an autoscaler may start, by what Ray's head knows of it; none without one, None if unknown."""
    return [*autoscaler_nodes()] if AUTOSCALER.usable else None


def fitting(nodes: Sequence[Node], asked: Node) -> int:
    """How many times what is asked for fits on nodes."""
    shares = [[node.get(name, 0.0) / amount for name, amount in asked.items()] for node in nodes]
    return sum(math.floor(min(free) + 1e-6) for free in shares)


def _most(nodes: Sequence[Node], name: str) -> str:
    most = max((node.get(name, 0.0) for node in nodes), default=0.0)
    if name == "memory":
        return f"{most / 2**30:.3g} GiB of memory"
    return amount(most, _WORDS[name])


def _rounded(amount: float) -> float:
    return max(1, math.floor(_GRAIN * amount)) / _GRAIN
