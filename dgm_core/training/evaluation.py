"""How good a solution is, in float64, on fixed points that training never chooses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dgm_core.calculus import STEP, Differenced
from dgm_core.calculus.precision import precision
from dgm_core.errors import ConfigurationError
from dgm_core.formulation import METRICS, RESIDUAL, Problem, of_output
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.formulation.regions import BoxRegion, FixedNodes
from dgm_core.formulation.scales import parts_of, scales_of
from dgm_core.formulation.terms import RESIDUAL_OF_DATA
from dgm_core.formulation.yardsticks import yardsticks
from dgm_core.training.prediction import predict
from dgm_core.training.solution import Solution

RESIDUAL_POINTS = 1024
"""Of each term."""


@dataclass(frozen=True)
class Errors:
    """Metric -> its value for each replicate, (K,); `metric` is the one that ranks.

    Against a reference, over all evaluation points and outputs: mean absolute, relative 2-norm and
    maximum error; without one the residual alone, and the share of measured data in it if there are any.
    Of several outputs each has its own as well ("mae of u"), and the relative 2-norm is the root mean square
    of theirs.
    NaN where the network's values are not finite.
    """

    values: Mapping[str, list[float]]
    metric: str

    @property
    def score(self) -> list[float]:
        """Those that rank, (K,)."""
        return self.values[self.metric]

    @property
    def mae(self) -> list[float]:
        """Mean absolute errors, (K,)."""
        return self.values["mae"]

    @property
    def rel_l2(self) -> list[float]:
        """Relative 2-norms of the error, (K,)."""
        return self.values["rel_l2"]

    @property
    def max_error(self) -> list[float]:
        """Maximum errors, (K,)."""
        return self.values["max_error"]


class Evaluation:
    """The fixed evaluation points of a problem and its reference there, computed once.

    A problem without a reference is scored by its residual on 1024 Sobol points of each term: the root of
    the sum over terms of the mean squared residual, from finite differences of the solution's values,
    so that no network can hide in derivatives that vanish.  Each component counts relative to its size for a
    field that is wrong by its own size (see `scales_of`): a score of 1 is as bad as that, in any units.
    """

    def __init__(self, problem: Problem, device: torch.device | str = "cpu") -> None:
        self.problem = problem
        points = problem.evaluation_points()
        self.points = points.to(device)  # (N, d)
        known = problem.reference_kind != "none"
        with precision(torch.float64):
            self.reference = (
                problem.with_true_constants().reference(points).to(device) if known else None
            )  # (N, q)
        self._fixed = {} if known else {t: p.to(device) for t, p in _residual_points(problem).items()}

    def measure(self, solution: Solution) -> Errors:
        """What the present solution is worth."""
        if self.reference is None:
            return Errors(self._residuals(solution), RESIDUAL)
        return self.errors(self.predict(solution))

    def yardsticks(self) -> dict[str, dict[str, float]]:
        """What fields that cost nothing are worth: name -> metric -> error (see `formulation.yardsticks`).

        Empty without a reference.
        """
        if self.reference is None:
            return {}
        fields = yardsticks(self.problem.with_true_constants(), self.points.cpu(), self.reference.cpu())
        device = self.reference.device
        errors = {name: self.errors(field[None].to(device)).values for name, field in fields.items()}
        return {name: {metric: values[0] for metric, values in each.items()} for name, each in errors.items()}

    def predict(self, solution: Solution, *, batch_statistics: bool = False) -> Tensor:
        """The field in float64 at the evaluation points, (K, N, q).

        With `batch_statistics`, normalisations use those of the points (of each time window).
        """
        replicates = len(solution.seeds)
        result = self.points.new_empty(replicates, len(self.points), len(self.problem.outputs))
        for piece, inside in solution.parts(self.points):
            points = self.points[inside]
            points = points.expand(replicates, *points.shape)
            result[:, inside] = predict(piece, points, batch_statistics=batch_statistics)
        return result

    def errors(self, prediction: Tensor) -> Errors:
        """Errors of a prediction (K, N, q).  Raises ConfigurationError without a reference."""
        if self.reference is None:
            raise ConfigurationError(f"{self.problem.name} has no reference, so there is no error.")
        named = self._named(prediction, self.reference)
        if len(self.problem.outputs) > 1:
            for i, output in enumerate(self.problem.outputs):
                of_one = self._named(prediction[..., i : i + 1], self.reference[:, i : i + 1])
                named |= {of_output(name, output): values for name, values in of_one.items()}
            # Each output counts by its own size, so that a small one is not lost among large ones.
            every = [named[of_output("rel_l2", output)] for output in self.problem.outputs]
            named["rel_l2"] = [
                math.sqrt(sum(e * e for e in each) / len(each)) for each in zip(*every, strict=True)
            ]
        return Errors(named, self.problem.metric)

    def _named(self, prediction: Tensor, reference: Tensor) -> dict[str, list[float]]:
        """The metrics of a prediction (K, N, q)."""
        difference = (prediction - reference).abs().flatten(1)
        # An output that is zero throughout has no size of its own: then the error is absolute.
        norm = reference.norm() if reference.any() else reference.new_tensor(math.sqrt(reference.numel()))
        values = (difference.mean(1), difference.norm(dim=1) / norm, difference.amax(1))
        return {name: _clean(value) for name, value in zip(METRICS, values, strict=True)}

    def _residuals(self, solution: Solution) -> dict[str, list[float]]:
        """That of all terms and, where there are measured data, theirs alone."""
        replicates = len(solution.seeds)
        lengths = [axis.upper - axis.lower for axis in self.problem.inputs]
        field = Differenced(lambda x: predict(solution, x), lengths)
        points = {term: x.expand(replicates, *x.shape) for term, x in self._fixed.items()}
        constants = solution.piece(0).constants
        problem = self.problem if constants is None else self.problem.bound(constants)
        with torch.no_grad():
            residuals = problem.accurate().residuals(field, points)
        scales = scales_of(self.problem).terms
        squares = {
            term: (parts_of(r)[0].double() / self.points.new_tensor(scales[term])).square().mean(dim=(1, 2))
            for term, r in residuals.items()
        }
        measured = [squares[term] for term in problem.measured_terms]
        named = {RESIDUAL: [*squares.values()]} | ({RESIDUAL_OF_DATA: measured} if measured else {})
        return {name: _clean(torch.stack(each).sum(dim=0).sqrt()) for name, each in named.items()}


def _residual_points(problem: Problem) -> dict[str, Tensor]:
    """Term -> (N, d).  Those of a full dimension keep two stencil steps away from the boundary."""
    points = {}
    for term, region in problem.accurate().regions().items():
        x = sobol_points(region, RESIDUAL_POINTS)
        # Nodes are what they are, on the edge too: data belong to each of them.
        if not isinstance(region, FixedNodes) and all(lower < upper for lower, upper in region.bounds):
            x = _inwards(problem, x) if isinstance(region, BoxRegion) else _away_from_the_edge(problem, x)
        points[term] = x
    return points


def _inwards(problem: Problem, x: Tensor) -> Tensor:
    """Points of a box, moved towards its centre so that every stencil lies inside."""
    centre = torch.tensor([(axis.lower + axis.upper) / 2 for axis in problem.inputs], dtype=torch.float64)
    return centre + (x - centre) * (1.0 - 4.0 * STEP)


def _away_from_the_edge(problem: Problem, x: Tensor) -> Tensor:
    """The points whose stencils the domain contains."""
    kept = torch.ones(len(x), dtype=torch.bool)
    for i, axis in enumerate(problem.inputs):
        for sign in (-2.0, 2.0):
            moved = x.clone()
            moved[:, i] += sign * STEP * (axis.upper - axis.lower)
            kept &= problem.domain.contains(moved)
    return x[kept] if kept.any() else x


def _clean(values: Tensor) -> list[float]:
    return [value if math.isfinite(value) else math.nan for value in values.tolist()]


def median(values: Sequence[float]) -> float:
    """Median in which a NaN counts as the worst value: infinite where half or more diverged."""
    ordered = sorted(math.inf if math.isnan(value) else value for value in values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else 0.5 * (ordered[middle - 1] + ordered[middle])
