"""The states that the trials of a population leave at their rungs, for as long as one can go on from them."""

from __future__ import annotations

from collections.abc import Iterable, Set

from studies.records.events import Event, Exploited, Reported, Suggested
from studies.records.schema import CHECKPOINTS
from studies.records.storage import Store
from studies.trials.checkpoints import drop_checkpoint, snapshot_folder


class PopulationStates:
    """What is in a run's store beside the trials' own checkpoints, by folder.

    A state is dropped only after the log says what followed from it, so that a process that is killed leaves
    no less than the next one needs.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._there: set[str] = set()

    def left(self, folder: str, iteration: int) -> None:
        """A trial has left its state at a rung."""
        self._there.add(snapshot_folder(folder, iteration))

    def gave_up(self, folder: str) -> None:
        """A trial goes on in another folder."""
        self._there.add(folder)

    def recall(self, events: Iterable[Event]) -> None:
        """Finds what earlier processes left.

        A state that was saved and not reported yet is not touched: its trial will report it without saving
        it again.
        """
        found = {key.split("/")[1] for key in self._store.sizes(CHECKPOINTS) if "/" in key}
        known: set[str] = set()
        folders: dict[str, str] = {}
        for event in events:
            if isinstance(event, Suggested):
                folders[event.trial] = event.folder
            elif isinstance(event, Exploited):
                known.add(folders[event.trial])
                folders[event.trial] = event.folder
            elif isinstance(event, Reported):
                known.add(snapshot_folder(folders[event.trial], event.metrics.iterations))
        self._there |= found & known

    def keep(self, needed: Set[str]) -> None:
        """Drops all but these."""
        for folder in self._there - needed:
            drop_checkpoint(self._store, folder)
        self._there &= needed
