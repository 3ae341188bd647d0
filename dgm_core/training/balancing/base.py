"""What every way to balance a loss is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from dgm_core.registry import kebab

if TYPE_CHECKING:
    from dgm_core.training.loss import Loss
    from dgm_core.training.solution import Piece


class Balancer(ABC):
    """Weights of a loss's terms or points, of each replicate by itself, on top of the given ones.

    What it remembers is in `state`, tensors that are changed in place, so that a step can be replayed and a
    training resumed.
    """

    name: ClassVar[str]
    """By default the class's own, as `kebab` writes it."""
    of_points: ClassVar[bool] = False
    """Whether it weighs single points, which then have to stay the same."""
    of_squares: ClassVar[bool] = False
    """Whether it looks at residuals, not at terms: a pair of estimates has none."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" not in cls.__dict__:
            cls.name = kebab(cls.__name__)

    def __init__(self, loss: Loss, piece: Piece, config: Any) -> None:
        self.loss = loss
        self.piece = piece
        self.config = config
        self.state: dict[str, Tensor] = {}

    def prepare(self, iteration: int, points: Mapping[str, Tensor]) -> None:  # noqa: B027 (nothing by default)
        """Before a step at points: {term: (K, n, d)}; iteration: of this stage, from 0."""

    def combined(self, terms: Tensor, weights: Tensor) -> Tensor:
        """The loss (K,) of terms (K, T) with the given weights (T,)."""
        return terms @ weights

    def of_term(self, term: str, squares: Tensor) -> Tensor:
        """A term (K,) of the squared residuals (K, n, c) at its points."""
        return squares.mean(dim=(1, 2))

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continues from a copy of `state`."""
        self.state = {name: value.clone() for name, value in state.items()}

    @property
    def note(self) -> str | None:
        """Why it takes long, where it does."""
        return None


class TermBalancer(Balancer):
    """One factor for each term, found anew every `balance_every` iterations: λ ← β λ + (1 − β) λ̂, from 1 on,
    where β is `balance_decay` and λ̂ = Σ sizes / size of what `sizes` measures.

    A term of size zero, or not finite, keeps its factor.
    """

    def __init__(self, loss: Loss, piece: Piece, config: Any) -> None:
        super().__init__(loss, piece, config)
        like = next(piece.parameters())
        self.state["factors"] = like.new_ones(len(like), len(loss.terms))

    @abstractmethod
    def sizes(self, points: Mapping[str, Tensor]) -> Tensor:
        """(K, T) at points, zero for a term that costs nothing."""

    def prepare(self, iteration: int, points: Mapping[str, Tensor]) -> None:
        if iteration % self.config.balance_every:
            return
        factors, decay = self.state["factors"], self.config.balance_decay
        sizes = self.sizes(points).detach()
        wanted = sizes.sum(dim=1, keepdim=True) / sizes
        kept = torch.where(torch.isfinite(wanted), wanted, factors)
        factors.mul_(decay).add_(kept, alpha=1.0 - decay)

    def combined(self, terms: Tensor, weights: Tensor) -> Tensor:
        return (terms * (weights * self.state["factors"].to(terms))).sum(dim=1)
