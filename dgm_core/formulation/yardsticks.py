"""Fields that cost nothing, as yardsticks: what a trained one must beat to have solved anything."""

from __future__ import annotations

import numpy as np
import scipy  # whose parts are loaded at their first use
import torch
from numpy.typing import NDArray
from torch import Tensor

from dgm_core.calculus.precision import precision
from dgm_core.errors import ConfigurationError
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.formulation.scales import Sized, prescribed

Array = NDArray[np.float64]

ZERO, CONSTANT, CONDITIONS = "zero", "constant", "conditions"
"""Names of the yardsticks: zero, each output's mean, and the linear interpolation of the conditions."""
_POINTS = 128
_AXES = 3
"""Along more axes than these conditions are not interpolated: triangulations grow too fast."""


def yardsticks(problem: Sized, points: Tensor, reference: Tensor) -> dict[str, Tensor]:
    """Name -> field at the evaluation points, (N, q), from the reference there (N, q).

    constant: the best one of each output in the 2-norm.  conditions: what Dirichlet conditions and initial
    values prescribe, interpolated linearly inside their convex hull and by the nearest value beyond it; left
    out where some output has none, or in more than three dimensions.
    """
    fields = {ZERO: torch.zeros_like(reference), CONSTANT: reference.mean(dim=0).expand_as(reference)}
    if len(problem.inputs) <= _AXES:
        between = _interpolated(problem, points)
        if between is not None:
            fields[CONDITIONS] = between
    return fields


def _interpolated(problem: Sized, at: Tensor) -> Tensor | None:
    regions = problem.accurate().regions()
    drawn = {term: sobol_points(region, _POINTS)[None] for term, region in regions.items()}
    try:
        with precision(torch.float64):
            known = prescribed(problem.accurate(), drawn)
    except (ConfigurationError, RuntimeError, ValueError):
        return None  # conditions that cannot be asked what they prescribe
    if any(not len(values) for _, values in known):
        return None
    lower = np.array([axis.lower for axis in problem.inputs])
    length = np.array([axis.upper for axis in problem.inputs]) - lower
    wanted = (at.cpu().numpy() - lower) / length
    columns = [_between((x.numpy() - lower) / length, v.numpy(), wanted) for x, v in known]
    return torch.from_numpy(np.stack(columns, axis=1)).to(at)


def _between(x: Array, values: Array, wanted: Array) -> Array:
    """Values (n,) at x (n, d), interpolated at `wanted` (N, d): (N,)."""
    if x.shape[1] == 1:
        order = np.argsort(x[:, 0], kind="stable")
        return np.interp(wanted[:, 0], x[order, 0], values[order])
    nearest = scipy.interpolate.griddata(x, values, wanted, "nearest")
    try:
        linear = scipy.interpolate.griddata(x, values, wanted, "linear")
    except scipy.spatial.QhullError:
        return nearest  # all on one line or plane
    return np.where(np.isnan(linear), nearest, linear)
