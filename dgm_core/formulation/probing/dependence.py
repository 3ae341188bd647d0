"""What each term depends on: the field, every output, and nothing else that could be trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.domains import Part
from dgm_core.formulation.probing.probed import Points, Probed, Waves, draw, residuals_of
from dgm_core.formulation.regions import Region

_MANY = 64
"""Points at which a term must depend on the field at least once."""
_COORDINATES = 2_000
"""Of all these points together, where there are many axes."""
_LEAST = 8
_SIZES = tuple(sign * 10.0**power for power in range(1, 9) for sign in (1.0, -1.0))
"""Of fields on which a term that is not finite is tried again: units may be any."""


def check_subjects(problem: Probed) -> None:
    """Refuses a term that does not depend on the field, an output that no term inside the domain depends on,
    and anything else in a term that could be trained."""
    count = min(_MANY, max(_LEAST, _COORDINATES // len(problem.inputs)))
    points = draw(problem, 1, count)
    regions = problem.regions()
    inside = [term for term in problem.terms if _fills(regions[term])] or list(problem.terms)
    depends = {term: torch.zeros(len(problem.outputs), dtype=torch.bool) for term in problem.terms}
    finite = dict.fromkeys(problem.terms, False)
    for shift in (1.5, 0.0, -1.5):
        # One that repeats itself satisfies a periodic condition, whatever its amplitude.
        field = Waves(problem, shift, periodic=False)
        for term, parts in residuals_of(problem, field, points).items():
            check_untrained(problem, term, parts, field)
            finite[term] |= all(bool(part.isfinite().any()) for part in parts)
            depends[term] |= _gradient(parts, field.amplitudes) != 0  # NaN is not zero either
        known_all = all(known.any() for known in depends.values()) and _any(depends, inside).all()
        if known_all and all(finite.values()):
            return
    check_finite(problem, finite, points)
    for term, known in depends.items():
        if not known.any():
            raise ConfigurationError(
                f"the term {term!r} of {problem.name} does not depend on the solution (by torch's "
                "operations): it contains nothing to train."
            )
    missing = [
        name for name, known in zip(problem.outputs, _any(depends, inside).tolist(), strict=True) if not known
    ]
    if missing:
        raise ConfigurationError(
            f"{problem.name} has no equation for the output {missing[0]!r}: no term inside the domain "
            f"depends on it (`y.d(output={problem.outputs.index(missing[0])})` is its value)."
        )


def check_finite(problem: Probed, finite: dict[str, bool], points: Points) -> None:
    """Refuses a term that is finite nowhere, for fields of any size.

    finite: whether each term is somewhere, for fields of size one.
    """
    for size in _SIZES:
        if all(finite.values()):
            return
        for term, parts in residuals_of(problem, Waves(problem, size, periodic=False), points).items():
            finite[term] |= all(bool(part.isfinite().any()) for part in parts)
    for term, somewhere in finite.items():
        if not somewhere:
            count = points[term].shape[1]
            raise ConfigurationError(
                f"the term {term!r} of {problem.name} is not a finite number at any of {count} points, for "
                "any field: look for a logarithm, a root or a quotient that is not defined in the domain."
            )


def _fills(region: Region) -> bool:
    """Whether a region has the domain's dimension, or is nodes all over it: not a face, not an instant."""
    return not isinstance(region, Part) and all(lower < upper for lower, upper in region.bounds)


def _any(depends: Mapping[str, Tensor], terms: list[str]) -> Tensor:
    return torch.stack([depends[term] for term in terms]).any(dim=0)


def _gradient(parts: tuple[Tensor, ...], of: Tensor) -> Tensor:
    """The gradient of all components, summed with different weights; zeros where nothing depends on `of`."""
    weighed = [
        (part * (1.0 + torch.arange(part.numel(), dtype=part.dtype).reshape(part.shape) * 0.618 % 1.0)).sum()
        for part in parts
        if part.requires_grad
    ]
    if not weighed:
        return torch.zeros_like(of)
    total = torch.stack(weighed).sum()
    return torch.autograd.grad(total, of, retain_graph=True, allow_unused=True, materialize_grads=True)[0]


def check_untrained(problem: Probed, term: str, parts: tuple[Tensor, ...], field: Waves) -> None:
    for leaf in _leaves(parts):
        field_itself = leaf is field.amplitudes
        coordinates = leaf.dim() == 3 and leaf.shape[-1] == len(problem.inputs)
        if isinstance(leaf, nn.Parameter) or not (field_itself or coordinates):
            kind = (
                "torch.nn.Parameter" if isinstance(leaf, nn.Parameter) else "tensor that requires gradients"
            )
            raise ConfigurationError(
                f"a {kind} of the shape {tuple(leaf.shape)} is in the term {term!r} of {problem.name}, and "
                "would never be trained: only the network is."
            )


def _leaves(parts: tuple[Tensor, ...]) -> Iterator[Tensor]:
    """The leaves of the parts' graph: the tensors in which their gradients would end."""
    waiting = [part.grad_fn for part in parts if part.grad_fn is not None]
    visited = set(waiting)
    while waiting:
        node = waiting.pop()
        if hasattr(node, "variable"):
            yield node.variable
        for other, _ in node.next_functions:
            if other is not None and other not in visited:
                visited.add(other)
                waiting.append(other)
