"""The terms of a problem, their points and residuals, and the errors that trainings are ranked by."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from dgm_core.formulation.conditions import Condition, Measured
from dgm_core.formulation.regions import Region

Points = Mapping[str, Tensor]
"""Term -> points (K, n, d)."""
Residual = Tensor | tuple[Tensor, Tensor]
"""(K, n, c), zero where the equation or condition holds; or two independent, unbiased estimates of
it, whose product has the square of the true residual as its expectation."""
Residuals = dict[str, Residual]
"""Term -> residual."""
Conditions = Mapping[str, "tuple[Region, Condition] | Measured"]
"""Term -> where a condition holds, and which; measured data bring their own points."""

METRICS = ("mae", "rel_l2", "max_error")
"""Errors against a reference: mean absolute, relative 2-norm and maximum."""


def of_output(metric: str, output: str) -> str:
    """What an error of one output alone is called: "rel_l2 of u"."""
    return f"{metric} of {output}"


RESIDUAL = "residual"
"""What stands in for an error where there is no reference (see `dgm_core.training.evaluation`)."""

RESIDUAL_OF_DATA = of_output(RESIDUAL, "data")
"""The share of measured data in it, which noise keeps above zero."""

INTERIOR = "interior"
