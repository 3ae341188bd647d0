"""What residuals do with derivatives: which they ask for, and which linear combinations they look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from dgm_core.calculus.jets.streams import Stream
from dgm_core.tape import Watching

Terms = frozenset[tuple[Stream, float]]
"""(stream, factor) of the addends of a combination."""


@dataclass
class Trace:
    """Of a set of points: the streams that were asked for, and their combinations that were looked at."""

    asked: set[Stream] = field(default_factory=set)
    looks: set[Terms] = field(default_factory=set)

    def traced(self, piece: Tensor, source: object, output: int, stream: Stream) -> Tensor:
        """A derivative, which from now on says what is done with it.

        source: what it was asked of; derivatives of different ones, or of different outputs, do not combine.
        """
        return _Traced.of(piece, self, (source, output), {stream: 1.0})


class _Traced(Tensor):
    """A linear combination of derivatives of one output, and whatever else was added to it.

    A tensor like any other, with its values and its graph.  Its sums and its multiples by numbers are such
    combinations; whatever else is done with one, or done without gradients, looks at it as a whole.
    """

    _trace: Trace
    _source: tuple[object, int]
    _terms: Mapping[Stream, float]

    @staticmethod
    def of(
        values: Tensor, trace: Trace, source: tuple[object, int], terms: Mapping[Stream, float]
    ) -> _Traced:
        traced = values.as_subclass(_Traced)
        traced._trace, traced._source, traced._terms = trace, source, terms
        return traced

    def look(self) -> None:
        self._trace.looks.add(frozenset(self._terms.items()))

    @classmethod
    def __torch_function__(
        cls,
        function: Any,
        types: Any,
        arguments: Sequence[Any] = (),
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        with torch._C.DisableTorchFunctionSubclass():
            result = function(*arguments, **(options or {}))
        if function in _SHAPES:
            return result
        rule = _RULES.get(function) if torch.is_grad_enabled() and not options else None
        combined = None if rule is None else rule(*arguments)
        if combined is not None:
            like, terms = combined
            return _Traced.of(result, like._trace, like._source, terms)
        for leaf in tree_leaves((arguments, dict(options or {}))):
            if isinstance(leaf, _Traced):
                leaf.look()
        return result


def looked(tensor: Tensor) -> Tensor:
    """A tensor that may be a combination, looked at: without its trace."""
    if not isinstance(tensor, _Traced):
        return tensor
    tensor.look()
    with torch._C.DisableTorchFunctionSubclass():
        return tensor.as_subclass(Tensor)


class NumberReads(Watching):
    """Notes whether numbers are read off tensors: a factor among them may be another one the next time."""

    def __init__(self) -> None:
        super().__init__()
        self.read = False

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: Sequence[Any] = (), options: dict[str, Any] | None = None
    ) -> Any:
        result = function(*arguments, **(options or {}))
        if any(not isinstance(leaf, Tensor) for leaf in tree_leaves(result) if leaf is not None):
            self.read = True
        return result


Combined = tuple[_Traced, Mapping[Stream, float]]
"""A combination that the result is like, and the result's terms."""


def _summed(traced: Any, other: Any, signs: tuple[float, float]) -> Combined | None:
    """signs: of the two addends."""
    if not isinstance(traced, _Traced):
        traced, other, signs = other, traced, signs[::-1]
    terms = {stream: signs[0] * number for stream, number in traced._terms.items()}
    if isinstance(other, _Traced):
        if other._source == traced._source:
            for stream, number in other._terms.items():
                terms[stream] = terms.get(stream, 0.0) + signs[1] * number
        else:
            other.look()
    return traced, terms


def _times(traced: _Traced, factor: float) -> Combined:
    return traced, {stream: factor * number for stream, number in traced._terms.items()}


def _product(traced: Any, other: Any) -> Combined | None:
    if isinstance(other, Real):
        return _times(traced, float(other))
    return _times(other, float(traced)) if isinstance(traced, Real) else None


def _quotient(traced: Any, other: Any) -> Combined | None:
    return _times(traced, 1.0 / float(other)) if isinstance(other, Real) and other else None


def _rules() -> Iterator[tuple[Sequence[Any], Callable[..., Combined | None]]]:
    yield (
        (torch.add, Tensor.add, Tensor.__add__, Tensor.__radd__),
        lambda x, other: _summed(x, other, (1.0, 1.0)),
    )
    yield (torch.sub, Tensor.sub, Tensor.__sub__), lambda x, other: _summed(x, other, (1.0, -1.0))
    yield (torch.rsub, Tensor.__rsub__), lambda x, other: _summed(x, other, (-1.0, 1.0))
    yield (torch.mul, Tensor.mul, Tensor.__mul__, Tensor.__rmul__), _product
    yield (torch.div, Tensor.div, Tensor.__truediv__), _quotient
    yield (torch.neg, Tensor.neg, Tensor.__neg__), lambda x: _times(x, -1.0)


_RULES = {function: rule for functions, rule in _rules() for function in functions}
_SHAPES = {
    *(getattr(Tensor, name).__get__ for name in ("shape", "dtype", "device", "ndim", "layout")),
    *(Tensor.size, Tensor.dim, Tensor.numel, Tensor.__len__),
}
"""What is asked of a tensor without a look at its values."""
