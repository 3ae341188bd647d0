"""What a training records at every iteration, and its errors where they were measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def loss_columns(terms: Sequence[str]) -> tuple[str, ...]:
    """Names of a loss and its terms, in the order in which they are recorded."""
    return ("loss", *(f"loss_{term}" for term in terms))


class Curves:
    """Losses of every iteration, (iterations, K, 1 + T): the total, then each term.

    `errors` holds (iteration, [score of each replicate]) wherever it was measured.
    """

    def __init__(self, replicates: int, terms: Sequence[str]) -> None:
        self.columns = loss_columns(terms)
        self.errors: list[tuple[int, list[float]]] = []
        self._buffer = torch.empty(1024, replicates, len(self.columns))
        self._length = 0

    def append(self, total: Tensor, terms: Tensor) -> None:
        """Adds one iteration's losses: total (K,), terms (K, T)."""
        if self._length == len(self._buffer):
            self._buffer = torch.cat([self._buffer, torch.empty_like(self._buffer)])
        row = self._buffer[self._length]
        row[:, 0] = total.detach()
        row[:, 1:] = terms.detach()
        self._length += 1

    def measured(self, iteration: int, score: Sequence[float]) -> None:
        """Adds an error measurement; a second one at the same iteration replaces the first."""
        if self.errors and self.errors[-1][0] == iteration:
            self.errors.pop()
        self.errors.append((iteration, list(score)))

    @property
    def losses(self) -> Tensor:
        """(iterations, K, 1 + T), float32."""
        return self._buffer[: self._length]

    def diverged_at(self) -> list[int | None]:
        """The first iteration (from 1) whose loss is not finite, of each replicate."""
        finite = torch.isfinite(self.losses[..., 0])
        return [None if column.all() else int(column.int().argmin()) + 1 for column in finite.T]

    def state(self) -> dict[str, Any]:
        """A copy that `restore` reads."""
        return {"losses": self.losses.clone(), "errors": list(self.errors)}

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from `state`."""
        self._buffer = state["losses"].clone()
        self._length = len(self._buffer)
        if not self._length:
            self._buffer = torch.empty(1024, *self._buffer.shape[1:])
        self.errors = [(iteration, list(score)) for iteration, score in state["errors"]]
