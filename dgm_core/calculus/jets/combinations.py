"""Linear combinations of derivatives, which are looked at as a whole."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from dgm_core.calculus.jets.streams import Path, Stream
from dgm_core.calculus.operators import Derivatives

Terms = frozenset[tuple[Stream, float]]
"""(stream, factor) of the addends of a combination."""


class Combining(Derivatives):
    """Derivatives of which linear combinations are asked as a whole."""

    @abstractmethod
    def combined(self, output: int, terms: Terms) -> Tensor:
        """Σ factor · stream of one output, (K, n, 1)."""

    def partial(self, output: int, path: Path) -> Tensor:
        return self.one(output, tuple(sorted(path))) if path else column(self.value, output)

    def one(self, output: int, stream: Stream) -> Tensor:
        """A single stream, as a combination."""
        return Combination.of(self, output, {stream: 1.0})


class Combination(Tensor):
    """Σ factor · stream of one output and other addends, (K, n, 1), which is computed when it is looked at.

    Its sums and differences with numbers and tensors of its shape, and its multiples by numbers, are such
    combinations; whatever else is done with one looks at it.  So what an equation needs of its derivatives is
    known as a whole: of the heat equation not u_t and u_xx, but u_t − κ u_xx.

    rest: (addend, factor); derivatives of other outputs or at other points are addends, too.
    """

    _source: Combining
    _output: int
    _terms: Mapping[Stream, float]
    _rest: tuple[tuple[Tensor | float, float], ...]
    _found: Tensor | None

    @staticmethod
    def of(
        source: Combining,
        output: int,
        terms: Mapping[Stream, float],
        rest: tuple[tuple[Tensor | float, float], ...] = (),
    ) -> Combination:
        """That of some terms."""
        like = source.value
        found: Combination = Tensor._make_wrapper_subclass(
            Combination, (*like.shape[:-1], 1), dtype=like.dtype, device=like.device
        )
        found._source, found._output, found._terms, found._rest = source, output, terms, rest
        found._found = None
        return found

    @property
    def tensor(self) -> Tensor:
        """It computed."""
        if self._found is None:
            found = self._source.combined(self._output, frozenset(self._terms.items()))
            for addend, factor in self._rest:
                found = torch.add(found, looked(addend), alpha=factor)
            self._found = found
        return self._found

    def plus(self, other: Any, factor: float = 1.0) -> Any:
        """self + factor · other; NotImplemented where that is no combination."""
        if isinstance(other, Real):
            added = ((float(other), factor),) if other else ()
            return self.of(self._source, self._output, self._terms, (*self._rest, *added))
        if not isinstance(other, Tensor) or other.shape != self.shape or other.dtype != self.dtype:
            return NotImplemented
        together = isinstance(other, Combination) and other._source is self._source
        if not isinstance(other, Combination) or not together or other._output != self._output:
            return self.of(self._source, self._output, self._terms, (*self._rest, (other, factor)))
        terms = dict(self._terms)
        for stream, number in other._terms.items():
            terms[stream] = terms.get(stream, 0.0) + factor * number
        rest = tuple((addend, factor * own) for addend, own in other._rest)
        return self.of(self._source, self._output, terms, (*self._rest, *rest))

    def times(self, factor: Any) -> Any:
        """factor · self; NotImplemented where that is no combination."""
        if not isinstance(factor, Real):
            return NotImplemented
        terms = {stream: float(factor) * number for stream, number in self._terms.items()}
        rest = tuple((addend, float(factor) * own) for addend, own in self._rest)
        return self.of(self._source, self._output, terms, rest)

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, arguments: Any = (), options: Mapping[str, Any] | None = None
    ) -> Any:
        if function in _SHAPES:
            with torch._C.DisableTorchFunctionSubclass():
                return function(*arguments)
        rule = None if options else _RULES.get(function)
        found = NotImplemented if rule is None else rule(*arguments)
        if found is not NotImplemented:
            return found
        return function(*tree_map(_looked, arguments), **tree_map(_looked, dict(options or {})))

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, function: Any, types: Any, arguments: Any = (), options: Any = None
    ) -> Any:
        raise AssertionError(f"{function} of a combination that nobody looked at")


def looked(value: Any) -> Any:
    """Something with combinations in it, computed."""
    return tree_map(_looked, value)


def column(values: Tensor, output: int) -> Tensor:
    """One output of (K, n, q), as (K, n, 1)."""
    return values if values.shape[2] == 1 and output == 0 else values[..., output : output + 1]


def _looked(value: Any) -> Any:
    return value.tensor if isinstance(value, Combination) else value


def _add(one: Any, other: Any) -> Any:
    return one.plus(other) if isinstance(one, Combination) else other.plus(one)


def _subtract(one: Any, other: Any) -> Any:
    return one.plus(other, -1.0) if isinstance(one, Combination) else _subtract_from(other, one)


def _subtract_from(one: Any, other: Any) -> Any:
    return one.times(-1.0).plus(other)


def _multiply(one: Any, other: Any) -> Any:
    return one.times(other) if isinstance(one, Combination) else other.times(one)


def _divide(one: Any, other: Any) -> Any:
    if isinstance(other, Real) and other != 0:
        return one.times(1.0 / float(other))
    return NotImplemented


_RULES: dict[Any, Callable[..., Any]] = {
    **dict.fromkeys((torch.add, Tensor.add, Tensor.__add__, Tensor.__radd__), _add),
    **dict.fromkeys((torch.sub, Tensor.sub, Tensor.__sub__), _subtract),
    **dict.fromkeys((torch.rsub, Tensor.__rsub__), _subtract_from),
    **dict.fromkeys((torch.mul, Tensor.mul, Tensor.__mul__, Tensor.__rmul__), _multiply),
    **dict.fromkeys((torch.div, Tensor.div, Tensor.__truediv__), _divide),
    **dict.fromkeys((torch.neg, Tensor.neg, Tensor.__neg__), lambda one: one.times(-1.0)),
}
_SHAPES = {getattr(Tensor, name).__get__ for name in ("shape", "dtype", "device", "ndim", "layout")} | {
    Tensor.size,
    Tensor.dim,
    Tensor.numel,
    Tensor.__len__,
}
"""What is known of a combination without a look at it."""
