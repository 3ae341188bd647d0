"""Differential operators of a field at points.

By automatic differentiation, in nested reverse passes or carried forward, or from the field's values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from dgm_core.calculus.automatic import Automatic, Pointwise, automatic_at, gradient
from dgm_core.calculus.differences import STEP, Differenced, FiniteDifferences
from dgm_core.calculus.jets import Carried, carried, compiler
from dgm_core.calculus.operators import TIME, Derivatives, Field, Output, position_of, rademacher

__all__ = [
    "STEP",
    "TIME",
    "Automatic",
    "Carried",
    "Derivatives",
    "Differenced",
    "Field",
    "FiniteDifferences",
    "Output",
    "Pointwise",
    "carried",
    "compiler",
    "derivatives",
    "derivatives_at",
    "gradient",
    "position_of",
    "rademacher",
]


def derivatives(field: Field, x: Tensor, axes: Sequence[str]) -> Derivatives:
    """The field's values and derivatives at x (K, n, d), the way that the field says, if it does.

    A field with a method `derivatives(x, axes)` brings its own; any other is differentiated
    automatically.
    """
    method = getattr(field, "derivatives", None)
    return Automatic(field, x, axes) if method is None else method(x, axes)


def derivatives_at(
    field: Field, points: Mapping[str, Tensor], axes: Sequence[str], *, apart: Sequence[str] = ()
) -> dict[str, Derivatives]:
    """Those at several sets of points (K, n_i, d), by name; in one evaluation where the field allows it.

    apart: the sets of which many derivatives will be asked: nested passes for them spare the others.
    """
    together = getattr(field, "derivatives_at", None)
    if together is not None:
        derived: dict[str, Derivatives] = together(points, axes)
        return derived
    if getattr(field, "derivatives", None) is not None:
        return {name: derivatives(field, x, axes) for name, x in points.items()}
    alone = {name: derivatives(field, points[name], axes) for name in apart}
    others = {name: x for name, x in points.items() if name not in alone}
    return alone | (automatic_at(field, others, axes) if others else {})
