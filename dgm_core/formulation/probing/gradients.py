"""Whether the gradients that training follows are those of the residuals' values."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.probing.probed import Computed, Points, Probed, Residuals, Waves

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


def check_gradients(problem: Probed, points: Points, computed: Computed) -> None:
    """Refuses a term whose gradient with respect to the field is not that of its value."""
    seen: dict[str, int] = {}
    for shift in _SHIFTS:
        for term, by_torch, by_differences in _apart(problem, points, computed, shift):
            seen[term] = seen.get(term, 0) + 1
            if seen[term] == _ENOUGH:
                raise ConfigurationError(
                    f"the gradient of the term {term!r} of {problem.name} is wrong: for a wave it is "
                    f"{by_torch:.3g}, where differences of the term give {by_differences:.3g}, so part of it "
                    "is hidden from torch: leave out `.detach()`, `.item()`, `.data` and `torch.no_grad`, "
                    "and compute with torch in place of NumPy."
                )
        if not seen:
            return


def _apart(
    problem: Probed, points: Points, computed: Computed, shift: float
) -> Iterator[tuple[str, float, float]]:
    """Terms whose gradient and differences are apart, with both, each term once."""
    field = Waves(problem, shift, periodic=False)
    sums = _sums(computed(field, points))
    gradients = {
        term: torch.stack([_gradient(each, field.amplitudes) for each in of_term.values])
        for term, of_term in sums.items()
    }
    close = _differences(problem, points, computed, shift, _STEPS[0])
    gaps = {term: (gradient - close[term]).abs() for term, gradient in gradients.items()}
    wrong = {
        term: gap
        > _RELATIVE * torch.maximum(gradients[term].abs(), close[term].abs())
        + _ROUNDING * sums[term].sizes[:, None]
        for term, gap in gaps.items()
    }
    if not any(each.any() for each in wrong.values()):
        return
    far = _differences(problem, points, computed, shift, _STEPS[1])
    for term, gap in gaps.items():
        sure = wrong[term] & ((close[term] - far[term]).abs() <= _AGREE * gap)
        if sure.any():
            component, output = torch.nonzero(sure)[0].tolist()
            yield term, gradients[term][component, output].item(), close[term][component, output].item()


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


def _differences(
    problem: Probed, points: Points, computed: Computed, shift: float, step: float
) -> dict[str, Tensor]:
    """Central differences of every term's sums, (c, q)."""
    each: dict[str, list[Tensor]] = {}
    for output in range(len(problem.outputs)):
        sums = []
        for sign in (1.0, -1.0):
            field = Waves(problem, shift, periodic=False)
            with torch.no_grad():
                field.amplitudes[output] += sign * step
            sums.append(_sums(computed(field, points)))
        for term, over in sums[0].items():
            each.setdefault(term, []).append((over.values - sums[1][term].values).detach() / (2.0 * step))
    return {term: torch.stack(columns, dim=-1).nan_to_num(nan=math.inf) for term, columns in each.items()}
