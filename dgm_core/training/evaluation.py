"""Errors against the reference, in float64, on fixed points that training never chooses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.func import functional_call

from dgm_core.networks.layers import BatchNorm
from dgm_core.problems import Problem

if TYPE_CHECKING:
    from dgm_core.training.solution import Solution

METRICS = ("mae", "rel_l2", "max_error")


@dataclass(frozen=True)
class Errors:
    """Of each replicate, (K,) lists: mean absolute, relative 2-norm and maximum error.

    Over all evaluation points and outputs; NaN where the network's values are not finite.
    """

    mae: list[float]
    rel_l2: list[float]
    max_error: list[float]


class Evaluation:
    """The fixed evaluation points of a problem and its reference there, computed once."""

    def __init__(self, problem: Problem, device: torch.device | str = "cpu") -> None:
        self.points = problem.evaluation_points().to(device)  # (N, d)
        self.reference = problem.reference(problem.evaluation_points()).to(device)  # (N, q)

    def predict(self, solution: Solution, *, batch_statistics: bool = False) -> Tensor:
        """The field in float64 at the evaluation points, (K, N, q).

        With `batch_statistics`, normalisations use those of the points (of each time window).
        """
        replicates = len(solution.seeds)
        result = self.reference.new_empty(replicates, *self.reference.shape)
        for piece, inside in solution.parts(self.points):
            points = self.points[inside]
            points = points.expand(replicates, *points.shape)
            result[:, inside] = predict(piece, points, batch_statistics=batch_statistics)
        return result

    def errors(self, prediction: Tensor) -> Errors:
        """Errors of a prediction (K, N, q)."""
        difference = (prediction - self.reference).abs().flatten(1)
        norm = self.reference.norm()
        return Errors(
            mae=_clean(difference.mean(1)),
            rel_l2=_clean(difference.norm(dim=1) / norm),
            max_error=_clean(difference.amax(1)),
        )


def predict(network: nn.Module, points: Tensor, *, batch_statistics: bool = False) -> Tensor:
    """The network's float64 values at points (K, N, d), whatever dtype it trains in.

    In evaluation mode: no dropout, and running statistics unless `batch_statistics`.  Neither the
    network's mode nor its running statistics change.
    """
    double = {name: value.double() for name, value in network.state_dict().items()}
    with _evaluating(network, batch_statistics), torch.no_grad():
        return functional_call(network, double, (points.double(),))


@contextmanager
def _evaluating(network: nn.Module, batch_statistics: bool) -> Iterator[None]:
    training = network.training
    network.eval()
    for module in network.modules():
        if isinstance(module, BatchNorm):
            module.training = batch_statistics
    try:
        yield
    finally:
        network.train(training)


def _clean(values: Tensor) -> list[float]:
    return [value if math.isfinite(value) else math.nan for value in values.tolist()]


def median(values: Sequence[float]) -> float:
    """Median in which a NaN counts as the worst value: infinite where half or more diverged."""
    ordered = sorted(math.inf if math.isnan(value) else value for value in values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else 0.5 * (ordered[middle - 1] + ordered[middle])
