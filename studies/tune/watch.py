"""Calls what looks after a study each time Tune goes round its loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray import tune


class Watch(tune.Callback):
    """Calls what looks after a study, as Tune goes round; whatever it holds belongs to this process."""

    def __init__(self, watchers: list[Callable[[], None]]) -> None:
        self._watchers = watchers

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        for watcher in self._watchers:
            watcher()

    def __getstate__(self) -> dict[str, Any]:
        return {"_watchers": []}
