"""One piece of the solution under a `Minimiser`: what a polish and a second-order stage have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.training.objective import PieceObjective
from dgm_core.training.optimizers import OPTIMIZERS, Minimiser, Settings
from dgm_core.training.parameters import FlatParameters
from dgm_core.training.points import Points
from dgm_core.training.precision import PRECISIONS
from dgm_core.training.solution import Solution


class Descent:
    """Lowers the loss of every replicate of window j on points that stay the same, or are redrawn now and
    then.

    All replicates take their steps together, and each as it would alone, to rounding; a replicate that has
    ended stays as it is.  Batch normalisation uses its running statistics and dropout is off.  Between steps,
    and after an interrupt, the piece holds the weights reached so far.
    """

    def __init__(
        self,
        solution: Solution,
        j: int,
        optimizer: str,
        points: Points,
        *,
        precision: str,
        iterations: float,
        evaluations: float,
        carry: bool = True,
    ) -> None:
        config = solution.setup.config
        self.window = j
        self.piece = solution.piece(j).to(PRECISIONS[precision])
        self.piece.eval()
        self._flat = FlatParameters(self.piece.network)
        self._source = points
        self._points = {term: value.clone() for term, value in points.next().items()}
        untrained = partial(solution.untrained, j)
        self.objective = PieceObjective(
            self.piece, self._flat, config, self._points, carry=carry, untrained=untrained
        )
        points.judge(partial(self.objective.loss.sizes, self.piece))
        self.minimiser = self._made(optimizer, Settings.of(config), iterations, evaluations)
        self._terms = self.objective.terms
        if self.minimiser.least_squares:
            self.objective.value(self.minimiser.parameters)
            self._terms = self.objective.terms

    def _made(self, name: str, settings: Settings, iterations: float, evaluations: float) -> Minimiser:
        kind = OPTIMIZERS.get(name)
        if not issubclass(kind, Minimiser):
            raise ConfigurationError(f"{name!r} does not work on fixed points.")
        start = self._flat.values.detach().clone()
        return kind(self.objective, start, settings, iterations=iterations, evaluations=evaluations)

    def advance(self) -> None:
        """One look at the loss, which serves every replicate that has not ended; at new points where it is
        time."""
        minimiser = self.minimiser
        try:
            if self._source.due():
                for term, value in self._source.next().items():
                    self._points[term].copy_(value)
                minimiser.renew()
                if minimiser.least_squares:
                    self.objective.value(minimiser.parameters)
            else:
                minimiser.advance()
        finally:
            self.objective.write(minimiser.parameters)
        moved = torch.zeros(len(self._terms), 1, dtype=torch.bool, device=self._terms.device)
        moved[minimiser.moved] = True
        self._terms = torch.where(moved, self.objective.terms, self._terms)

    def losses(self) -> tuple[Tensor, Tensor]:
        """(total (K,), terms (K, T)) where each replicate is."""
        return self._terms.new_tensor(self.minimiser.values), self._terms

    def loss_at(self, points: Mapping[str, Tensor]) -> list[float]:
        """The loss of each replicate, where it is, on other points: term -> (K, n, d), as many as its own."""
        kept = {term: value.clone() for term, value in self._points.items()}
        totals = self._look_at(points)
        self._look_at(kept)
        return totals

    def go_back(self, parameters: Tensor, replicates: Sequence[bool]) -> None:
        """Puts the weights of the replicates marked to `parameters` (K, P)."""
        marked = torch.tensor(replicates, device=parameters.device)[:, None]
        self.objective.write(torch.where(marked, parameters, self.minimiser.parameters))

    def _look_at(self, points: Mapping[str, Tensor]) -> list[float]:
        for term, value in points.items():
            self._points[term].copy_(value)
        return self.objective.value(self.minimiser.parameters).tolist()

    def state(self) -> dict[str, Any]:
        """What `restore` reads, the piece's own tensors apart; a copy."""
        return {
            "minimiser": self.minimiser.state(),
            "points": self._source.state(),
            "drawn": {term: value.clone() for term, value in self._points.items()},
            "terms": self._terms.clone(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continues from `state`."""
        self._source.restore(state["points"])
        for term, value in state["drawn"].items():
            self._points[term].copy_(value)
        self.minimiser.restore(state["minimiser"])
        self._terms.copy_(state["terms"])
        self.objective.write(self.minimiser.parameters)
