"""The Galerkin loss: a weighted sum of mean squared residuals, kept term by term."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from dgm_core.calculus import Field
from dgm_core.problems import Points, Problem


class Loss:
    """Mean squared residual of each term and their weighted sum, for K replicates.

    Source: Sirignano and Spiliopoulos (2018); Detorakis, A Primer, eqs. 18 and 23 (weights of 1).
    """

    def __init__(self, problem: Problem, weights: Mapping[str, float]) -> None:
        self.problem = problem
        self.terms = problem.terms
        self.weights = torch.tensor([weights.get(term, 1.0) for term in self.terms])

    def __call__(self, u: Field, points: Points) -> tuple[Tensor, Tensor]:
        """(total (K,), terms (K, T)) at the given points."""
        residuals = self.problem.residuals(u, points)
        terms = torch.stack([residuals[term].square().mean(dim=(1, 2)) for term in self.terms], dim=1)
        return terms @ self.weights.to(terms), terms
