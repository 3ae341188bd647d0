"""Errors against the reference, in float64, on fixed points that training never chooses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from dgm_core.problems import Problem

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

    def predict(self, network: nn.Module, replicates: int) -> Tensor:
        """The network in float64 at the evaluation points, (K, N, q)."""
        return predict(network, self.points.expand(replicates, *self.points.shape))

    def errors(self, prediction: Tensor) -> Errors:
        """Errors of a prediction (K, N, q)."""
        difference = (prediction - self.reference).abs().flatten(1)
        norm = self.reference.norm()
        return Errors(
            mae=_clean(difference.mean(1)),
            rel_l2=_clean(difference.norm(dim=1) / norm),
            max_error=_clean(difference.amax(1)),
        )


def predict(network: nn.Module, points: Tensor) -> Tensor:
    """The network's float64 values at points (K, N, d), whatever dtype it trains in."""
    double = {name: value.double() for name, value in network.state_dict().items()}
    with torch.no_grad():
        return functional_call(network, double, (points.double(),))


def _clean(values: Tensor) -> list[float]:
    return [value if math.isfinite(value) else math.nan for value in values.tolist()]


def median(values: Sequence[float]) -> float:
    """Median in which a NaN counts as the worst value: infinite where half or more diverged."""
    ordered = sorted(math.inf if math.isnan(value) else value for value in values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else 0.5 * (ordered[middle - 1] + ordered[middle])
