"""A step that is run again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from dgm_core.tape.recording import Tape, recorded

T = TypeVar("T")


class Repeated(Generic[T]):
    """A step that is run the first time, recorded the second, and replayed from then on where it can be.

    A replay is compared with the step itself at the third call, and at those of the powers of two after it,
    when what the step reads is different from what it was when recorded.  Where they differ the step
    depends on something that a tape cannot follow: numbers that were computed outside of torch, or kept
    from one step to the next.  From then on it is run, and `unrecorded` says why.
    """

    def __init__(self, step: Callable[[], T]) -> None:
        self._step = step
        self._calls = 0
        self._tape: Tape[T] | None = None
        self._outside: str | None = None
        self.unrecorded: str | None = None
        """Why the step is not replayed, in one sentence; None where it is, or is too large to be."""

    def __call__(self) -> T:
        """The step's result, whose tensors the next call may change."""
        self._calls += 1
        if self._tape is not None:
            if self._calls == 3 or self._calls.bit_count() == 1:
                return self._compared(self._tape)
            return self._tape.replay()
        if self._calls != 2:
            return self._step()
        result, self._tape, recorder = recorded(self._step)
        self._outside = recorder.leaving.reason
        if recorder.refused:
            self.unrecorded = (
                f"each step runs unrecorded, several times slower: {recorder.refused} is read off a tensor"
            )
        return result

    def _compared(self, tape: Tape[T]) -> T:
        result, same = tape.compared(self._step)
        if not same:
            self._tape = None
            where = self._outside or (
                "something other than a tensor changes from step to step, such as random numbers of NumPy"
            )
            late = f", noticed at step {self._calls} only" if self._calls > 3 else ""
            self.unrecorded = f"each step runs unrecorded, several times slower: {where}{late}"
        return result

    @property
    def operations(self) -> int | None:
        """Of a replayed step; None where it is not replayed, or not yet."""
        return None if self._tape is None else len(self._tape)
