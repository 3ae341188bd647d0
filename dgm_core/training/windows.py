"""The time windows of a training, one after the other: each is trained, then polished where that is asked."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any

from dgm_core.training.last_layer import start_last_layer
from dgm_core.training.polish import Polish, Polished
from dgm_core.training.solution import Solution
from dgm_core.training.stage import stage


class Windows:
    """Which window of a solution is being trained, by what, and how far its polish has come.

    `stage` optimises the present window; `polish` is set while that window is polished; `polished` holds
    what the polishes that ended did.

    carry: as `Trainer` has it.
    """

    def __init__(self, solution: Solution, *, carry: bool = True) -> None:
        self._solution = solution
        self._carry = carry
        self.polish: Polish | None = None
        self.polished: list[Polished] = []
        start_last_layer(solution)
        self.restart(0)

    def restart(self, window: int) -> None:
        """Makes `window` the present one, with a fresh optimizer for the weights that it has."""
        self.stage = stage(self._solution, window, carry=self._carry)

    @property
    def to_polish(self) -> bool:
        """Whether the present window's polish has yet to end."""
        ended = bool(self.polished) and self.polished[-1].window == self.stage.window
        return self._solution.setup.config.polish_iterations > 0 and not ended

    def polish_until(self, deadline: float, after_look: Callable[[Polish], None]) -> bool:
        """Polishes the present window, at least one look and then until `deadline` (of `time.perf_counter`).

        `after_look` is called after every look at the loss.  Returns whether the polish has ended.
        """
        if self.polish is None:
            self.polish = Polish(self._solution, self.stage.window, carry=self._carry)
        while not self.polish.done:
            self.polish.step()
            after_look(self.polish)
            if time.perf_counter() >= deadline:
                return False
        self.polish.settle()
        self.polished += self.polish.records()
        self.polish = None
        return True

    def begin_next(self) -> None:
        """Starts the next window from the end of the present one."""
        following = self.stage.window + 1
        self._solution.begin(following)
        self.restart(following)

    @property
    def records(self) -> tuple[Polished, ...]:
        """What the polishes have done so far, one that is still running included."""
        return (*self.polished, *(() if self.polish is None else self.polish.records()))

    @property
    def notes(self) -> tuple[str, ...]:
        """Why the present window trains more slowly than it could, where it does, and what was undone."""
        slow = [self.stage.unrecorded, None if self.polish is None else self.polish.unrecorded]
        return tuple(reason for reason in (*slow, self._undone()) if reason is not None)

    def _undone(self) -> str | None:
        undone = sum(record.undone for record in self.polished)
        if not undone:
            return None
        every = "replicate" if self._solution.setup.config.windows == 1 else "replicate and window"
        return (
            f"the polish was undone for {undone} of {len(self.polished)}, counting each {every}, since the "
            "loss on other points had grown; more polish_points help"
        )

    def state(self) -> dict[str, Any]:
        """What `restore` reads; a copy."""
        return {
            "window": self.stage.window,
            "stage": self.stage.state(),
            "polish": None if self.polish is None else self.polish.state(),
            "polished": [dataclasses.asdict(record) for record in self.polished],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continues from `state`, the solution's weights being restored already."""
        self.restart(state["window"])
        self.stage.restore(state["stage"])
        self.polish = None
        if state["polish"] is not None:
            self.polish = Polish(self._solution, state["window"], carry=self._carry)
            self.polish.restore(state["polish"])
        self.polished = [Polished(**record) for record in state["polished"]]
