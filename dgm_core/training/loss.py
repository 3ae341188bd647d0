"""The Galerkin loss: a weighted sum of mean squared residuals, kept term by term."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from dgm_core.calculus import TIME, Field, carried
from dgm_core.formulation import Energy, Points, Problem, Residual
from dgm_core.formulation.scales import scales_of
from dgm_core.training.causality import causal_weights
from dgm_core.training.config import TrainConfig
from dgm_core.training.solution import Piece


class Weighting(Protocol):
    """What weighs terms or points, on top of the given weights (see `dgm_core.training.balancing`)."""

    of_points: ClassVar[bool]

    def combined(self, terms: Tensor, weights: Tensor) -> Tensor:
        """The loss (K,) of terms (K, T) with the given weights (T,)."""

    def of_term(self, term: str, squares: Tensor) -> Tensor:
        """A term (K,) of the squared residuals (K, n, c) at its points."""


class Loss:
    """Mean squared residual of each term and their weighted sum, for K replicates.

    A residual given as a pair of independent estimates (r₁, r₂) enters as the mean of r₁ r₂, whose
    expectation is the squared residual, where that of r₁² adds the estimate's variance.  Terms that
    hard conditions satisfy count as zero.  With causal weights the total is the weighted one, and
    the terms stay plain means.

    `fixed_points`: the points stay the same throughout (a polish).  Then a pair enters as
    ((r₁ + r₂) / 2)², since at fixed points the product is not bounded below, and there are no causal
    weights, since they would change the function under a line search.

    carry: whether derivatives are carried forward through a network that allows it; else they are nested
    reverse passes.  Both agree to rounding.  untrained: gives a piece of the same kind, of one replicate,
    that decides whether it does (see `carried`): the way must not depend on the weights, or a training that
    is resumed from a checkpoint could take another.

    With `term_scaling` "unit" each component of a residual counts in units of its size for a wrong field (see
    `Scales`), before the weights of terms and in what is recorded.

    With `formulation` "energy" the term of the equation is the mean of the energy's density, which may be
    negative.

    Source: Sirignano and Spiliopoulos (2018); Detorakis, A Primer, eqs. 18 and 23 (weights of 1).
    """

    def __init__(
        self,
        problem: Problem,
        config: TrainConfig,
        *,
        fixed_points: bool = False,
        carry: bool = True,
        untrained: Callable[[], Piece] | None = None,
    ) -> None:
        self.problem = problem
        self.terms = problem.terms
        self.weights = torch.tensor([config.loss_weights.get(term, 1.0) for term in self.terms])
        hard = problem.hard_terms if config.hard_conditions else ()
        self._energetic = config.formulation == "energy"
        self._evaluate: Callable[[Field, Points], Any] = (
            problem.energies if self._energetic else problem.residuals
        )
        # A problem that writes its own residuals may need the points of every term.
        own = type(problem).residuals is not Problem.residuals and not self._energetic
        self._spared = () if own else hard
        self._computed = [term for term in self.terms if term not in hard]
        self._columns = [i for i, term in enumerate(self.terms) if term not in hard]
        self._sizes: dict[str, Tensor] = {}
        if config.term_scaling == "unit":
            scales = scales_of(problem.whole).terms
            self._sizes = {term: torch.tensor(sizes, dtype=torch.float64) for term, sizes in scales.items()}
        self._fixed_points = fixed_points
        self._carry = carry
        self._untrained = untrained
        self._network: Field | None = None
        self._field: Field | None = None
        self.balancer: Weighting | None = None
        """What weighs terms or points while they are trained."""
        self._causality = 0.0 if fixed_points else config.causality
        self._spans: dict[str, tuple[float, float]] = {}  # of the terms that vary in time
        for term, region in problem.regions().items():
            span = region.bounds[-1]
            if problem.inputs[-1].name == TIME and span[0] < span[1]:
                self._spans[term] = span

    def __call__(self, u: Field, points: Points) -> tuple[Tensor, Tensor]:
        """(total (K,), terms (K, T)) at the given points."""
        minimised, terms = self.parts(u, points)
        weights = self.weights.to(terms)
        total = minimised @ weights if self.balancer is None else self.balancer.combined(minimised, weights)
        return total, terms

    @property
    def weighed(self) -> list[int]:
        """The columns of the terms that cost something."""
        return [column for column in self._columns if self.weights[column]]

    def parts(self, u: Field, points: Points) -> tuple[Tensor, Tensor]:
        """(what of each term is minimised, its mean square), (K, T) each, at the given points."""
        needed = {term: x for term, x in points.items() if term not in self._spared}
        residuals = self._evaluate(self._carried(u, needed), needed)
        squares = self._squares([self._scaled(term, residuals[term]) for term in self._computed])
        terms = self._stack([square.mean(dim=(-2, -1)) for square in squares])
        minimised = terms
        if self._causality or (self.balancer is not None and self.balancer.of_points):
            pairs = zip(
                self._computed, (column for many in squares for column in many.unbind(1)), strict=True
            )
            minimised = self._stack([self._weigh(term, square, points)[:, None] for term, square in pairs])
        return minimised, terms

    def residuals(self, u: Field, points: Points) -> list[Tensor]:
        """The residuals (K, n, c) of each term that costs something, weighted: their squares add up to the
        total.

        Of a pair of estimates the mean, as at fixed points; causal weights have no part in it.  Of an energy
        the quadratic part, and then they add up to the total without its rest.
        """
        needed = {term: x for term, x in points.items() if term not in self._spared}
        residuals = self._evaluate(self._carried(u, needed), needed)
        weighed = []
        for column, term in zip(self._columns, self._computed, strict=True):
            residual, weight = self._scaled(term, residuals[term]), float(self.weights[column])
            if isinstance(residual, Energy):
                part = residual.quadratic
                factor = weight / (2 * part.shape[1])
            else:
                part = residual if isinstance(residual, Tensor) else (residual[0] + residual[1]) / 2
                factor = weight / part[0].numel()
            if weight:
                weighed.append(part * math.sqrt(factor))
        return weighed

    def sizes(self, u: Field, points: Points) -> dict[str, Tensor]:
        """The absolute residual at each point of the terms that cost something, components added up: (K,
        n)."""
        needed = {term: x for term, x in points.items() if term not in self._spared}
        with torch.no_grad():
            residuals = self.problem.residuals(self._carried(u, needed), needed)
        sizes = {}
        for term, residual in residuals.items():
            mean = residual if isinstance(residual, Tensor) else (residual[0] + residual[1]) / 2
            sizes[term] = mean.abs().sum(dim=2)
        return sizes

    def _carried(self, u: Field, points: Points) -> Field:
        """u, with the derivatives that the residuals ask for carried forward where that is possible."""
        if not self._carry:
            return u
        if self._network is not u:
            self._network = u
            with torch.enable_grad():  # to compare both ways
                self._field = self._compared(u, points) or u
        return self._field or u

    def _compared(self, u: Field, points: Points) -> Field | None:
        """u so carried, if an untrained replicate shows that it can be."""
        if self._untrained is None:
            return carried(u, self._evaluate, points)
        sample = self._untrained()
        first = {term: x[:1] for term, x in points.items()}
        evaluate: Any = sample.problem.energies if self._energetic else sample.problem.residuals
        return carried(u, evaluate, first, sample)

    def _scaled(self, term: str, residual: Residual) -> Residual:
        if not self._sizes:
            return residual
        size = self._sizes[term]
        if isinstance(residual, tuple):
            return residual[0] / size.to(residual[0]), residual[1] / size.to(residual[1])
        return residual / size.to(residual)

    def _squares(self, residuals: Sequence[Residual]) -> list[Tensor]:
        """(K, t, n, c) of one or several terms t, in order: terms of one shape are one operation."""
        plain = [residual for residual in residuals if isinstance(residual, Tensor)]
        if len(plain) == len(residuals) and len({residual.shape for residual in plain}) == 1:
            return [self._square(torch.stack(plain, dim=1))]
        return [self._square(residual).unsqueeze(1) for residual in residuals]

    def _square(self, residual: Tensor | tuple[Tensor, Tensor]) -> Tensor:
        if isinstance(residual, Tensor):
            return residual * residual
        if isinstance(residual, Energy):
            return residual.density
        first, second = residual
        return ((first + second) / 2).square() if self._fixed_points else first * second

    def _stack(self, means: list[Tensor]) -> Tensor:
        """Means (K, t) as (K, T) in the order of the terms, zeros for those that are not computed."""
        computed = means[0] if len(means) == 1 else torch.cat(means, dim=1)
        if len(self._columns) == len(self.terms):
            return computed
        terms = computed.new_zeros(len(computed), len(self.terms))
        terms[:, self._columns] = computed
        return terms

    def _weigh(self, term: str, square: Tensor, points: Points) -> Tensor:
        """The mean that is minimised, (K,): as the balancer weighs points, or causally weighted; a plain one
        where a term does not vary in time."""
        if self.balancer is not None and self.balancer.of_points:
            return self.balancer.of_term(term, square)
        if term not in self._spans:
            return square.mean(dim=(1, 2))
        each = square.mean(dim=2)  # (K, n)
        weights = causal_weights(each, points[term][..., -1], *self._spans[term], self._causality)
        return (weights * each).mean(dim=1)
