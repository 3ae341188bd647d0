"""A jet: values and partial derivatives that are carried together through the operations of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from dgm_core.calculus.jets.layout import Layout

Rule = Callable[..., Any]


class NoRuleError(Exception):
    """An operation that jets cannot be carried through."""


class Jet:
    """Streams of some sets of points, `rows` (K, R, W) as `layout` says, in place of a tensor (K, n, W).

    It stands where torch's functions and operators expect a tensor; each has a rule in `RULES`, or raises
    NoRuleError.  `bias` (K, 1, W) is still to be added to the values: the function that follows a linear map
    takes it along.  A tensor that is combined with a jet must not depend on the points: one row, or none.
    """

    def __init__(self, rows: Tensor, layout: Layout, bias: Tensor | None = None) -> None:
        self.rows = rows
        self.layout = layout
        self.bias = bias

    @classmethod
    def __torch_function__(
        cls,
        function: Any,
        types: Any,
        arguments: Sequence[Any] = (),
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        rule = RULES.get(function)
        if rule is None:
            raise NoRuleError(getattr(function, "__name__", str(function)))
        return rule(*arguments, **(options or {}))

    @property
    def dtype(self) -> torch.dtype:
        return self.rows.dtype

    @property
    def device(self) -> torch.device:
        return self.rows.device

    def __len__(self) -> int:
        return len(self.rows)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        rule = RULES.get(getattr(Tensor, name, None))
        if rule is None:
            raise NoRuleError(name)
        return lambda *arguments, **options: rule(self, *arguments, **options)

    def __getitem__(self, index: Any) -> Jet:
        """Some of the columns: `x[..., :1]`."""
        whole = self.settled()
        if not isinstance(index, tuple) or len(index) != 2 or index[0] is not Ellipsis:
            raise NoRuleError("indexing of anything but the last axis")
        if isinstance(index[1], int):
            raise NoRuleError("indexing that drops an axis")
        return Jet(whole.rows[index], self.layout)

    def __add__(self, other: Any) -> Jet:
        return _ruled(torch.add, self, other)

    def __radd__(self, other: Any) -> Jet:
        return _ruled(torch.add, self, other)

    def __sub__(self, other: Any) -> Jet:
        return _ruled(torch.sub, self, other)

    def __rsub__(self, other: Any) -> Jet:
        return _ruled(torch.sub, other, self)

    def __neg__(self) -> Jet:
        return _ruled(torch.neg, self)

    def __mul__(self, other: Any) -> Jet:
        return _ruled(torch.mul, self, other)

    def __rmul__(self, other: Any) -> Jet:
        return _ruled(torch.mul, self, other)

    def __truediv__(self, other: Any) -> Jet:
        return _ruled(torch.div, self, other)

    def __rtruediv__(self, other: Any) -> Jet:
        return _ruled(torch.div, other, self)

    def __pow__(self, exponent: Any) -> Jet:
        return _ruled(torch.pow, self, exponent)

    def settled(self) -> Jet:
        """The same jet, its bias added."""
        return self if self.bias is None else self.raised(self.bias)

    def raised(self, constant: Tensor) -> Jet:
        """The same jet, a constant (K or 1, 1, W) added to its values in place of the bias."""
        buckets = self.layout.buckets
        sizes = [rows for bucket in buckets for rows in (bucket.points, bucket.rows - bucket.points)]
        pieces = list(self.rows.split(sizes, dim=1))
        pieces[::2] = [piece + constant for piece in pieces[::2]]
        return Jet(torch.cat(pieces, dim=1), self.layout)


RULES: dict[Any, Rule] = {}
"""torch's function -> what it is for jets."""


def rule(*functions: Any) -> Callable[[Rule], Rule]:
    """Makes the decorated function the rule of some of torch's."""

    def register(own: Rule) -> Rule:
        RULES.update(dict.fromkeys(functions, own))
        return own

    return register


def _ruled(function: Any, *arguments: Any) -> Jet:
    found: Jet = RULES[function](*arguments)
    return found
