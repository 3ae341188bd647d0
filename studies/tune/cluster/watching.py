"""Follows the nodes of a session while a study runs: how many trials train, and whether any can."""

from __future__ import annotations

import time

from rich.console import Console

from studies.tune.cluster.capacity import Places
from studies.tune.worker_pool import WorkerPool

_LOOK_SECONDS = 1.0
_SILENCE_SECONDS = 30.0
"""Without a word from any trial, after which it is said that the study waits."""


class NodeWatch:
    """Tells the pool how many trials train on the nodes there are, and people when none can."""

    def __init__(self, pool: WorkerPool, places: Places, console: Console) -> None:
        self._pool = pool
        self._places = places
        self._console = console
        self._looked = 0.0
        self._waits = False
        self._known: set[str] | None = None

    def tend(self) -> None:
        """Looks, if it is time."""
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        self._count()
        ready = self._pool.busy - self._pool.waiting.keys()
        silent = bool(ready) and now - self._pool.heard > _SILENCE_SECONDS
        if silent != self._waits:
            self._waits = silent
            self._console.print(self._why() if silent else "A node has room again: going on.")

    def _count(self) -> None:
        import ray

        alive = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
        if self._known is not None and alive - self._known:
            self._pool.spread()
        self._known = alive
        self._pool.cores = self._places.trains

    def _why(self) -> str:
        asked = self._places.resources
        if self._pool.cores == 0:
            return f"Waiting: no node that is up has {asked} for a trial; one that joins is used."
        return f"Waiting: no trial has been heard of for {_SILENCE_SECONDS:.0f} s; each asks for {asked}."
