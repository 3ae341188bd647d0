"""Whether the gradients that training follows are those of the residuals' values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.probing.probed import (
    Computed,
    Points,
    Probed,
    Residuals,
    Waves,
    residuals_of,
)
from dgm_core.formulation.trained import Known

_STEPS = (1e-4, 3e-4)
"""Of central differences, relative to the field."""
_RELATIVE = 1e-5
_ROUNDING = 1e-9
"""Share of a residual's own size that differences of it may be wrong by."""
_AGREE = 0.1
"""Share of what torch and the differences are apart by which those of different steps may be."""
_SHIFTS = (1.5, 0.0, -1.5)
_ENOUGH = 2
"""Of these fields must show it: one may be at a kink of the equation."""


Varied = Callable[[Tensor], Residuals]
"""Residuals as a function of what is varied, relative: (m,), ones where nothing is."""


def check_gradients(problem: Probed, points: Points, computed: Computed) -> None:
    """Refuses a term whose gradient with respect to the field is not that of its value."""

    def varied(shift: float) -> Varied:
        def residuals(amplitudes: Tensor) -> Residuals:
            field = Waves(problem, shift, periodic=False)
            field.amplitudes = amplitudes
            return computed(field, points)

        return residuals

    _check(
        varied, len(problem.outputs), lambda term, _: f"the gradient of the term {term!r} of {problem.name}"
    )


def check_constants(problem: Probed, points: Points) -> None:
    """Refuses a term that cannot be computed with a trained constant as training has it, a tensor (K, 1, 1),
    whose gradient with respect to one is not that of its value, or that mixes the replicates' own values."""
    trained = type(problem).trained()
    if not trained:
        return
    replicates = next(iter(points.values())).shape[0]
    values = {
        name: constant.start_of(problem) if constant.truth is None else constant.truth
        for name, constant in trained.items()
    }

    def varied(shift: float) -> Varied:
        def residuals(relative: Tensor) -> Residuals:
            bound = problem.bound(
                Known(
                    {
                        name: (value + (abs(value) or 1.0) * (by - 1.0)).expand(replicates, 1, 1)
                        for (name, value), by in zip(values.items(), relative, strict=True)
                    }
                )
            )
            return residuals_of(bound, Waves(problem, shift, periodic=False), points)

        return residuals

    for name in values:
        _check_own(problem, points, values, name)
    names = list(values)
    _check(
        varied,
        len(names),
        lambda term, place: (
            f"the gradient of the term {term!r} of {problem.name} with respect to the trained constant "
            f"{names[place]!r}"
        ),
    )


def _check_own(problem: Probed, points: Points, values: Mapping[str, float], name: str) -> None:
    """Refuses a term that changes for one replicate with the constant of another."""
    replicates = next(iter(points.values())).shape[0]

    def residuals(first: float) -> Residuals:
        constants = {key: torch.full((replicates, 1, 1), value).double() for key, value in values.items()}
        constants[name][0] += first * (abs(values[name]) or 1.0)
        return residuals_of(
            problem.bound(Known(constants)), Waves(problem, _SHIFTS[0], periodic=False), points
        )

    before, after = residuals(0.0), residuals(0.25)
    for term, parts in before.items():
        for part, moved in zip(parts, after[term], strict=True):
            if not torch.equal(part[1:].nan_to_num(), moved[1:].nan_to_num()):
                raise ConfigurationError(
                    f"the term {term!r} of {problem.name} mixes the trained constant {name!r} of several "
                    "replicates: it is a tensor (K, 1, 1), a value for each of K replicates, which fits its "
                    "own; leave out `.mean()`, `.sum()`, `.max()` and the like."
                )


def _check(varied: Callable[[float], Varied], count: int, what: Callable[[str, int], str]) -> None:
    """varied: for waves that are shifted.  count: m.  what: a gradient in words, of a term and a place."""
    seen: dict[str, int] = {}
    for shift in _SHIFTS:
        for term, place, by_torch, by_differences in _apart(varied(shift), count):
            seen[term] = seen.get(term, 0) + 1
            if seen[term] == _ENOUGH:
                raise ConfigurationError(
                    f"{what(term, place)} is wrong: for a wave it is "
                    f"{by_torch:.3g}, where differences of the term give {by_differences:.3g}, so part of it "
                    "is hidden from torch: leave out `.detach()`, `.item()`, `.data` and `torch.no_grad`, "
                    "and compute with torch in place of NumPy."
                )
        if not seen:
            return


def _apart(varied: Varied, count: int) -> Iterator[tuple[str, int, float, float]]:
    """Terms whose gradient and differences are apart, with the place and both, each term once."""
    at = torch.ones(count, dtype=torch.float64).requires_grad_()
    sums = _sums(varied(at))
    gradients = {
        term: torch.stack([_gradient(each, at) for each in of_term.values]) for term, of_term in sums.items()
    }
    close = _differences(varied, count, _STEPS[0])
    gaps = {term: (gradient - close[term]).abs() for term, gradient in gradients.items()}
    wrong = {
        term: gap
        > _RELATIVE * torch.maximum(gradients[term].abs(), close[term].abs())
        + _ROUNDING * sums[term].sizes[:, None]
        for term, gap in gaps.items()
    }
    if not any(each.any() for each in wrong.values()):
        return
    far = _differences(varied, count, _STEPS[1])
    for term, gap in gaps.items():
        sure = wrong[term] & ((close[term] - far[term]).abs() <= _AGREE * gap)
        if sure.any():
            component, place = torch.nonzero(sure)[0].tolist()
            yield (
                term,
                place,
                gradients[term][component, place].item(),
                close[term][component, place].item(),
            )


class _Sums:
    """Each component of a term, summed over its points with different weights, (c,), and what these sums of
    its sizes are."""

    def __init__(self, parts: tuple[Tensor, ...]) -> None:
        columns = torch.cat([part.double().flatten(0, 1) for part in parts], dim=-1)  # (n, c)
        weights = 1.0 + torch.arange(len(columns), dtype=torch.float64)[:, None] * 0.618 % 1.0
        self.values = (weights * columns).sum(dim=0)
        self.sizes = (weights * columns.detach().abs()).sum(dim=0)


def _sums(terms: Residuals) -> dict[str, _Sums]:
    return {term: _Sums(parts) for term, parts in terms.items()}


def _gradient(of: Tensor, to: Tensor) -> Tensor:
    if not of.requires_grad:
        return torch.zeros_like(to)
    return torch.autograd.grad(of, to, retain_graph=True, allow_unused=True, materialize_grads=True)[0]


def _differences(varied: Varied, count: int, step: float) -> dict[str, Tensor]:
    """Central differences of every term's sums, (c, m)."""
    each: dict[str, list[Tensor]] = {}
    for place in range(count):
        sums = []
        for sign in (1.0, -1.0):
            moved = torch.ones(count, dtype=torch.float64)
            moved[place] += sign * step
            sums.append(_sums(varied(moved.requires_grad_())))
        for term, over in sums[0].items():
            each.setdefault(term, []).append((over.values - sums[1][term].values).detach() / (2.0 * step))
    return {term: torch.stack(columns, dim=-1).nan_to_num(nan=math.inf) for term, columns in each.items()}
