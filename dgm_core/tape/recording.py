"""A step, recorded whole: what of it is run again, and the comparison with a step that is run."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from dgm_core.tape.operations import storage_of
from dgm_core.tape.recorder import Recorder, TapeEntry
from dgm_core.tape.state import State, same, tensors_of

T = TypeVar("T")

LARGEST = 2**30
"""Bytes of intermediate results that a tape may keep.

Small steps gain because Python is left out, large ones because their memory is there already: the pages of
fresh tensors take longer than the arithmetic.
"""


class Tape(Generic[T]):
    """A recorded step.  `result` holds what it returned; its tensors change with every replay."""

    def __init__(self, result: T, entries: Sequence[TapeEntry], made: Container[int]) -> None:
        """made: the storages that came into being in the step."""
        self.result = result
        self._entries = entries  # the tensors whose addresses compiled steps know
        self._made = made
        self._calls = tuple(entry.run for entry in entries)

    def __len__(self) -> int:
        return len(self._calls)

    def replay(self) -> T:
        """Runs the step again."""
        with torch.no_grad():
            for call in self._calls:
                call()
        return self.result

    def compared(self, step: Callable[[], T]) -> tuple[T, bool]:
        """Runs the step itself; what it returned, and whether a replay from the same state does the same.

        What is compared is the result and everything outside of the step that the replay changes.
        """
        state = State.of(self._entries, self._made)
        replayed = [leaf.clone() for leaf in tensors_of(self.replay())]
        replayed += state.swap()
        result = step()
        computed = [*tensors_of(result), *state.now()]
        together = len(computed) == len(replayed)
        return result, together and all(same(*pair) for pair in zip(replayed, computed, strict=True))


def record(step: Callable[[], T]) -> tuple[T, Tape[T] | None]:
    """Runs a step; what it returned, and its tape, or None where it cannot be replayed.

    All that the step reads must be tensors that exist before it and are changed in place from step to
    step; Python's numbers count as the same every time, and so does what comes from outside of torch
    (`Tape.compared` tells whether that is so).  It must not be the first of its kind, which
    finds out what the others know.  What it makes and neither returns nor puts into such tensors is not made
    again.
    """
    result, tape, _ = recorded(step)
    return result, tape


def recorded(step: Callable[[], T]) -> tuple[T, Tape[T] | None, Recorder]:
    recorder = Recorder()
    with recorder.leaving, recorder:
        result = step()
    if recorder.refused or bytes_of(recorder.entries) > LARGEST:
        return result, None, recorder
    varying = variable(recorder.entries, recorder.made)
    entries = wanted(varying, recorder.made, result)
    return result, Tape(result, entries, recorder.made), recorder


def variable(entries: Sequence[TapeEntry], made: Container[int]) -> list[TapeEntry]:
    """The entries without those that give the same every time: from what the step has made, and unchanged.

    made: the storages that came into being in the step; any other may differ from step to step.
    """
    varying = {storage_of(t) for entry in entries if entry.random for t in entry.writes}
    varying |= {
        s for entry in entries for s in map(storage_of, (*entry.reads, *entry.writes)) if s not in made
    }
    before = -1
    while len(varying) != before:
        before = len(varying)
        for entry in entries:
            if any(storage_of(t) in varying for t in (*entry.reads, *entry.writes)):
                varying |= {storage_of(t) for t in entry.writes}
    return [entry for entry in entries if any(storage_of(t) in varying for t in entry.writes)]


def wanted(entries: Sequence[TapeEntry], made: Container[int], result: Any) -> list[TapeEntry]:
    """The entries without those of which nothing is left: neither in the result nor in what the step has not
    made itself.  Those that draw random numbers stay: the next ones follow them."""
    live = {storage_of(leaf) for leaf in tree_leaves(result) if isinstance(leaf, Tensor)}
    kept: list[TapeEntry] = []
    for entry in reversed(entries):
        written = [storage_of(tensor) for tensor in entry.writes]
        if entry.random or any(storage in live or storage not in made for storage in written):
            live |= {storage_of(tensor) for tensor in (*entry.reads, *entry.writes)}
            kept.append(entry)
    return kept[::-1]


def bytes_of(entries: Sequence[TapeEntry]) -> int:
    sizes = {storage_of(t): t.untyped_storage().nbytes() for entry in entries for t in entry.writes}
    return sum(sizes.values())
