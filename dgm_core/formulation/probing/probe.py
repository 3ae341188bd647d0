"""The checks of a problem's terms, on known fields at a few points."""

from __future__ import annotations

import warnings
from functools import partial

import torch
from torch import Tensor

from dgm_core.calculus import TIME, Differenced
from dgm_core.errors import ConfigurationError
from dgm_core.formulation.probing.dependence import check_subjects
from dgm_core.formulation.probing.functions import check_reads, check_repeats
from dgm_core.formulation.probing.gradients import check_constants, check_gradients
from dgm_core.formulation.probing.hard_conditions import check_hard
from dgm_core.formulation.probing.probed import Points, Probed, Waves, draw, residuals_of, uncomputable
from dgm_core.formulation.probing.shapes import SIZES, check_replicates, check_shapes
from dgm_core.formulation.probing.unchanged import check_unchanged

_ADVICE = "Converting a tensor with requires_grad=True to a scalar"


def probe(problem: Probed) -> None:
    """Refuses a problem with a term that is not the residual of a field, in a sentence that names the term.

    For K replicates of n points a residual has the shape (K, n, c), whatever K and n are, and a replicate's
    residual does not depend on the other replicates.  A field with hard conditions satisfies them.
    Every term depends on the field, on the points and on nothing else that changes, and its gradient is that
    of its value; every output occurs in some term inside the domain.
    No term contains anything else that could be trained.  Raises ConfigurationError.
    """
    check_axes(problem)
    points = {size: draw(problem, *size) for size in SIZES}
    with torch.enable_grad(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", _ADVICE)  # to detach, which is refused here
        residuals = {size: residuals_of(problem, Waves(problem), x) for size, x in points.items()}
        check_shapes(problem, residuals, points)
        computed = partial(residuals_of, problem)
        check_repeats(problem, points[1, 5], computed)
        check_reads(problem, points[1, 5], computed)
        _check_derivatives(problem, points[1, 5])
        check_unchanged(problem, points[1, 5])
        check_replicates(problem, points[3, 5])
        check_subjects(problem)
        check_gradients(problem, points[1, 7], computed)
        check_constants(problem, points[3, 5])
        check_hard(problem, points[3, 5])


class _WithoutGraph(Differenced):
    """Derivatives that have no graph, of a field that has one where `residuals` calls it itself."""

    def __call__(self, x: Tensor) -> Tensor:
        return self._field(x)


def _check_derivatives(problem: Probed, points: Points) -> None:
    """Refuses derivatives that are not asked of y: those that are carried forward leave no graph behind."""
    lengths = [axis.upper - axis.lower for axis in problem.inputs]
    try:
        problem.residuals(_WithoutGraph(Waves(problem), lengths), points)
    except RuntimeError as error:
        if "does not require grad" in str(error):
            what = f"the equation or a condition of {problem.name}"
            raise uncomputable(problem, what, error, points) from error
    except Exception:
        return  # of another kind, which the checks before and after this one tell


def check_axes(problem: Probed) -> None:
    for axis in problem.inputs:
        if axis.name.lower() == "time":
            raise ConfigurationError(
                f"an axis named {axis.name!r} is not allowed in {problem.name}: time is {TIME!r}, and "
                "operators in space, `boundary` and `initial` know it by that name."
            )
