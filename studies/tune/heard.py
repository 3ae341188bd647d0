"""What a searcher of Ray Tune's has been told, again after a crash."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ray.tune.search.bohb import TuneBOHB

from studies.errors import StudyError
from studies.records.events import Ended, Event, Reported, Suggested
from studies.stopping import Finite
from studies.tune.ray_parts import Arrival, innermost

_ATTEMPTS = 1000
"""At settings that are feasible, for each trial."""


class Heard:
    """A searcher, and what it knows of the search.

    Made anew in another process, it is asked again for what the log holds, and told what came of it: one that
    has a seed suggests the same, and knows it then as it did.  One that does not is made once more, and told
    the results alone, where it can be.  BOHB's takes any settings as its own suggestion.
    """

    def __init__(self, arrival: Arrival) -> None:
        self._arrival = arrival
        self._ids: dict[str, str] = {}
        self._repeats = True
        self.searcher = arrival.searcher()

    def suggest(self, name: str) -> dict[str, Any] | str | None:
        """Settings, None for none now, or `Searcher.FINISHED`."""
        for attempt in range(_ATTEMPTS):
            known_as = f"{name}-{attempt}" if attempt else name
            config = self.searcher.suggest(known_as)
            if config is None or isinstance(config, str):
                return config
            changes = self._arrival.changes(config)
            if self._arrival.study.allows(changes):
                self._ids[name] = known_as
                return changes
            self.searcher.on_trial_complete(known_as, error=True)
        raise StudyError(f"the searcher found no settings that are feasible in {_ATTEMPTS} draws.")

    def repeat(self, name: str, changes: dict[str, Any]) -> None:
        """A trial of the log."""
        bohb = innermost(self.searcher)
        if isinstance(bohb, TuneBOHB):
            self._ids[name] = name
            bohb.trial_to_params[name] = self._arrival.config(changes)
            bohb.running.add(name)
        elif self._repeats and self.suggest(name) != changes:
            self._repeats = False
            self._ids.clear()

    def result(self, name: str, row: dict[str, Any]) -> None:
        """A trial has reported and goes on, at once or later."""
        if name in self._ids:
            self.searcher.on_trial_result(self._ids[name], row)

    def end(self, name: str, row: dict[str, Any] | None, *, failed: bool = False) -> None:
        """A trial has ended, or was stopped, where it was last measured."""
        if name in self._ids:
            last = None if failed else row
            self.searcher.on_trial_complete(self._ids.pop(name), last, error=failed)

    def on_pause(self, trial_id: str) -> None:
        """A trial gives up its worker: what schedulers of BOHB's tell."""
        self._tell("on_pause", trial_id)

    def on_unpause(self, trial_id: str) -> None:
        """A trial goes on: what schedulers of BOHB's tell."""
        self._tell("on_unpause", trial_id)

    def catch_up(self, events: Iterable[Event]) -> None:
        """Tells one that does not repeat itself the results alone: it does not know trials that still run."""
        if self._repeats:
            return
        self.searcher = self._arrival.searcher()
        changes: dict[str, dict[str, Any]] = {}
        last: dict[str, float] = {}
        finite = Finite()
        for event in events:
            if isinstance(event, Suggested) and event.phase == "search":
                changes[event.trial] = event.changes
            elif isinstance(event, Reported):
                last[event.trial] = finite(event.metrics.value)
            elif isinstance(event, Ended) and event.trial in changes and event.trial in last:
                try:
                    self.searcher.add_evaluated_point(
                        self._arrival.config(changes[event.trial]), last[event.trial]
                    )
                except NotImplementedError:
                    name = type(self.searcher).__name__
                    self._arrival.tell(f"{name} cannot be told of earlier trials, and goes on without them.")
                    return

    def _tell(self, word: str, name: str) -> None:
        tell = getattr(innermost(self.searcher), word, None)
        if tell is not None and name in self._ids:
            tell(self._ids[name])
