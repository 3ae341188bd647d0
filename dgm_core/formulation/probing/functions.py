"""Whether residuals are functions of the field and the points alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.probing.probed import Computed, Points, Probed, Residuals, Waves, same
from dgm_core.outside import place_of_direct_use
from dgm_core.tape import Watching


def check_repeats(problem: Probed, points: Points, computed: Computed) -> None:
    """Refuses a term that is another when it is computed again: random numbers, or what is counted."""
    first, again = (computed(Waves(problem), points) for _ in range(2))
    for term in first:
        if not same({term: first[term]}, again):
            raise ConfigurationError(
                f"the term {term!r} of {problem.name} is another each time it is computed, for the same "
                "field at the same points: draw random numbers once, outside of the equation and the "
                "conditions, and change nothing there."
            )


def check_reads(problem: Probed, points: Points, computed: Computed) -> None:
    """Refuses a term that depends on a number that is read from a tensor of the field or the points.

    Each such number is replaced by others, and the residuals must stay what they were.  A call that fails
    with another number, as an `assert` does, does not depend on it.
    """
    usual, reads = _read(problem, points, computed, {})
    for place, (number, where) in enumerate(reads):
        for other in (not number,) if isinstance(number, bool) else (-number, 0.5 * number + 1.0):
            changed = usual
            with contextlib.suppress(ConfigurationError):
                changed, _ = _read(problem, points, computed, {place: other})
            if not same(usual, changed):
                raise ConfigurationError(
                    f"the residuals of {problem.name} depend on a number that is read from a tensor{where} "
                    "by `if`, `float` or `.item()`: it is the same for all points and networks, and "
                    "gradients do not follow it; write torch.where(condition, a, b) in place of `if`, and "
                    "compute with tensors in place of numbers."
                )


def _read(
    problem: Probed, points: Points, computed: Computed, instead: dict[int, Any]
) -> tuple[Residuals, list[tuple[Any, str]]]:
    """What is computed of a wave, and the numbers that were read meanwhile, with their places in the user's
    file.

    instead: which of these numbers are given as which others.
    """
    reads = _Reads(points.values(), instead)
    with reads:
        residuals = computed(Waves(problem), points)
    return residuals, reads.noted


class _Reads(Watching):
    """Notes the numbers that the user's own code reads from tensors, of those that come of given ones."""

    def __init__(self, of: Iterable[Tensor], instead: dict[int, Any]) -> None:
        super().__init__()
        self.noted: list[tuple[Any, str]] = []
        self._instead = instead
        self._kept = list(of)  # so that no other tensor takes over the storage of one that is gone
        self._followed = {_storage(tensor) for tensor in self._kept}

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: Sequence[Any] = (), options: dict[str, Any] | None = None
    ) -> Any:
        result = function(*arguments, **(options or {}))
        if not any(_storage(tensor) in self._followed for tensor in _tensors((arguments, options))):
            return result
        if function is torch.ops.aten._local_scalar_dense.default:
            where = place_of_direct_use()
            if where:
                self.noted.append((result, where))
                return self._instead.get(len(self.noted) - 1, result)
        produced = _tensors(result)
        self._kept += produced
        self._followed |= {_storage(tensor) for tensor in produced}
        return result


def _tensors(of: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(of) if isinstance(leaf, Tensor)]


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata
