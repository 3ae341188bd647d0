"""What a training records at every iteration, and its errors where they were measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

_BLOCK = 64
"""Iterations whose losses are fetched from a device at once."""


def loss_columns(terms: Sequence[str]) -> tuple[str, ...]:
    """Names of a loss and its terms, in the order in which they are recorded."""
    return ("loss", *(f"loss_{term}" for term in terms))


class Curves:
    """Losses of every iteration, (iterations, K, 1 + T): the total, then each term.

    `errors` holds (iteration, [score of each replicate]) wherever it was measured.  Those of a device are
    kept there, and fetched in blocks.

    A polish has rows of its own: `polish` holds (window, losses (K, 1 + T)) of each of its looks at the
    loss, and `polish_errors` (place in `polish`, [score of each replicate]) at looks 1, 2, 4, 8, … of each
    window and the last.
    """

    def __init__(self, replicates: int, terms: Sequence[str], device: torch.device | str = "cpu") -> None:
        self.columns = loss_columns(terms)
        self.errors: list[tuple[int, list[float]]] = []
        self.polish: list[tuple[int, Tensor]] = []
        self.polish_errors: list[tuple[int, list[float]]] = []
        self._buffer = torch.empty(1024, replicates, len(self.columns))
        self._length = 0
        self._fresh = torch.empty(_BLOCK, replicates, len(self.columns), device=device)
        self._waiting = 0

    def append(self, total: Tensor, terms: Tensor) -> None:
        """Adds one iteration's losses: total (K,), terms (K, T)."""
        row = self._fresh[self._waiting]
        row[:, 0] = total.detach()
        row[:, 1:] = terms.detach()
        self._waiting += 1
        if self._waiting == _BLOCK:
            self._fetch()

    def measured(self, iteration: int, score: Sequence[float]) -> None:
        """Adds an error measurement; a second one at the same iteration replaces the first."""
        if self.errors and self.errors[-1][0] == iteration:
            self.errors.pop()
        self.errors.append((iteration, list(score)))

    def polished(self, window: int, total: Tensor, terms: Tensor) -> None:
        """Adds one look of a polish: total (K,), terms (K, T)."""
        self.polish.append((window, torch.cat([total[:, None], terms], dim=1).float().cpu()))

    def polish_measured(self, score: Sequence[float]) -> None:
        """Adds an error at the last look of a polish."""
        self.polish_errors.append((len(self.polish) - 1, list(score)))

    @property
    def losses(self) -> Tensor:
        """(iterations, K, 1 + T), float32."""
        self._fetch()
        return self._buffer[: self._length]

    def diverged_at(self) -> list[int | None]:
        """The first iteration (from 1) whose loss is not finite, of each replicate."""
        finite = torch.isfinite(self.losses[..., 0])
        return [None if column.all() else int(column.int().argmin()) + 1 for column in finite.T]

    def lost_first(self) -> list[str | None]:
        """What was not finite first, and from which iteration (from 1) on, of each replicate; None where
        nothing was.

        Where every term is lost at once, after an iteration at which all were finite, it was the weights that
        were: by a gradient that was not finite, or too large a step.
        """
        reasons: list[str | None] = []
        for k, first in enumerate(self.diverged_at()):
            if first is None:
                reasons.append(None)
                continue
            row = self.losses[first - 1, k, 1:]
            lost = [name for name, value in zip(self.columns[1:], row, strict=True) if not value.isfinite()]
            terms = [name.removeprefix("loss_") for name in lost]
            if terms and (len(terms) < len(row) or first == 1):
                kind = "NaN" if row.isnan().any() else "infinite"
                which = (
                    f"the term {terms[0]} was" if len(terms) == 1 else f"the terms {', '.join(terms)} were"
                )
                reasons.append(f"{which} {kind} from iteration {first} on")
            elif terms:
                reasons.append(f"the weights were not finite after iteration {first - 1}")
            else:
                reasons.append(f"the loss was not finite from iteration {first} on")
        return reasons

    def state(self) -> dict[str, Any]:
        """A copy that `restore` reads."""
        return {
            "losses": self.losses.clone(),
            "errors": list(self.errors),
            "polish": [(window, row.clone()) for window, row in self.polish],
            "polish_errors": list(self.polish_errors),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from `state`."""
        self._buffer = state["losses"].clone()
        self._length, self._waiting = len(self._buffer), 0
        self.errors = [(iteration, list(score)) for iteration, score in state["errors"]]
        self.polish = [(window, row.clone()) for window, row in state.get("polish", ())]
        self.polish_errors = [(place, list(score)) for place, score in state.get("polish_errors", ())]

    def _fetch(self) -> None:
        """Moves the block that waits behind the others."""
        end = self._length + self._waiting
        if end > len(self._buffer):
            more = self._buffer.new_empty(max(1024, len(self._buffer)), *self._buffer.shape[1:])
            self._buffer = torch.cat([self._buffer, more])
        self._buffer[self._length : end] = self._fresh[: self._waiting]
        self._length, self._waiting = end, 0
