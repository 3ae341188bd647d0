"""Whether residuals and a reference have the shapes they must have, and keep replicates apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.probing.probed import (
    SLIP,
    Points,
    Probed,
    Residuals,
    Waves,
    agree,
    draw,
    residuals_of,
)
from dgm_core.formulation.regions import FixedNodes

SIZES = ((1, 5), (1, 7), (3, 5))
"""(replicates, points) for which shapes are checked."""


_NO_NUMBERS = dict.fromkeys(
    (torch.complex64, torch.complex128), ": write the real and the imaginary part as two outputs"
) | {torch.bool: ": write a difference that must vanish in place of a comparison"}
"""What is no real number -> what to write."""


def _kind(part: object) -> str:
    return "None, as where `return` is missing" if part is None else f"a {type(part).__name__}"


def check_shapes(problem: Probed, each_size: Mapping[tuple[int, int], Residuals], points: Any) -> None:
    """Refuses residuals that are not (K, n, c) with the same c for any number of points."""
    components: dict[tuple[str, int], dict[tuple[int, int], int]] = {}
    for size, residuals in each_size.items():
        if set(residuals) != set(problem.terms):
            raise ConfigurationError(
                f"{problem.name} has the terms {', '.join(problem.terms)}, but its residuals are "
                f"{', '.join(residuals)}: the names must be the same."
            )
        for term, parts in residuals.items():
            for i, part in enumerate(parts):
                if not isinstance(part, Tensor):
                    raise ConfigurationError(
                        f"the residual {term!r} of {problem.name} must be a tensor, or a tuple of them for "
                        f"a system: it is {_kind(part)}."
                    )
                if not part.is_floating_point():
                    raise ConfigurationError(
                        f"the residual {term!r} of {problem.name} must be real numbers, and is of "
                        f"{part.dtype}{_NO_NUMBERS.get(part.dtype, '')}."
                    )
                components.setdefault((term, i), {})[size] = _components(
                    problem, term, part, points[size][term].shape
                )
    for (term, _), each in components.items():
        region, first = problem.regions()[term], each[SIZES[0]]
        count = region.count(5)
        fixed = isinstance(region, FixedNodes) and count > 1
        if len(set(each.values())) > 1 or (
            fixed and first == count > len(problem.outputs) + len(problem.inputs)
        ):
            raise ConfigurationError(
                f"the residual {term!r} of {problem.name} has as many components as there are points "
                f"({first} for {count}): {SLIP}."
            )


def _components(problem: Probed, term: str, part: Tensor, points: torch.Size) -> int:
    shape = tuple(part.shape)
    if len(shape) == 3 and shape[:2] == tuple(points[:2]):
        return shape[2]
    raise ConfigurationError(
        f"the residual {term!r} of {problem.name} has the shape {shape}, where it must be "
        f"({points[0]}, {points[1]}, 1) for points {tuple(points)}{_hint(shape, points)}."
    )


def _hint(shape: tuple[int, ...], points: torch.Size) -> str:
    if len(shape) == 0:
        return ": a mean or a sum over all points is one number, and not one for each"
    if len(shape) == 4 and shape[1:3] == tuple(points[:2]):
        return ": return the equations of a system as a tuple, and not by torch.stack"
    return f": {SLIP}" if len(shape) < 3 or shape[-1] == points[1] else ""


def check_replicates(problem: Probed, points: Points) -> None:
    """Refuses residuals of one replicate that depend on the other replicates."""
    field = Waves(problem)
    together = residuals_of(problem, field, points)
    for k in range(next(iter(points.values())).shape[0]):
        alone = residuals_of(problem, field, {term: x[k : k + 1] for term, x in points.items()})
        for term, parts in alone.items():
            for part, whole in zip(parts, together[term], strict=True):
                if not agree(whole[k : k + 1], part):
                    raise ConfigurationError(
                        f"the residual {term!r} of {problem.name} differs for a replicate alone and "
                        "beside others: what is averaged or summed over replicates mixes them "
                        "(`mean(dim=1, keepdim=True)` is the mean over the points of each)."
                    )


def check_reference_shape(problem: Probed) -> None:
    """Refuses a reference whose values depend on the shape (..., d) in which the points come."""
    axes, x = len(problem.inputs), next(iter(draw(problem, 3, 5).values()))
    # Reversed as well: the value at a point must not depend on the other points.
    values, flat = reference_at(problem, x), reference_at(problem, x.reshape(-1, axes).flip(0)).flip(0)
    expected = (*x.shape[:-1], len(problem.outputs))
    if tuple(values.shape) != expected:
        raise ConfigurationError(
            f"the reference of {problem.name} has the shape {tuple(values.shape)} at points "
            f"{tuple(x.shape)}: it must be {expected} (x[..., :1] is a coordinate at points of any shape)."
        )
    if not agree(values.reshape(flat.shape), flat):
        raise ConfigurationError(
            f"the reference of {problem.name} has other values at points {tuple(x.shape)} than at the same "
            f"points as {(x.shape[0] * x.shape[1], axes)}: x[..., :1] is a coordinate at points of any shape."
        )


def reference_at(problem: Probed, x: Tensor) -> Tensor:
    """The reference at points (..., d)."""
    shape = tuple(x.shape)
    try:
        values: Any = problem.reference(x)
    except ConfigurationError:
        raise
    except Exception as error:
        told = " ".join(str(error).split()).rstrip(".")
        raise ConfigurationError(
            f"the reference of {problem.name} cannot be computed at points {shape}: "
            f"{type(error).__name__}: {told}."
        ) from error
    if not isinstance(values, Tensor):
        join = ": join outputs by torch.cat(…, dim=-1)" if isinstance(values, tuple | list) else ""
        raise ConfigurationError(
            f"the reference of {problem.name} must give a tensor, and gives a {type(values).__name__}{join}."
        )
    return values
