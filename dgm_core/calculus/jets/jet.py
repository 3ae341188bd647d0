"""A jet: values and partial derivatives that are carried together through the operations of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from dgm_core.calculus.jets.expressions import evaluated
from dgm_core.calculus.jets.layout import Layout
from dgm_core.calculus.jets.nodes import Leaf, Node, settled

Rule = Callable[..., Any]


class NoRuleError(Exception):
    """An operation that jets cannot be carried through."""


class Jet:
    """Streams of some sets of points, (K, R, W) as `layout` says, in place of a tensor (K, n, W).

    It stands where torch's functions and operators expect a tensor; each has a rule in `RULES`, or raises
    NoRuleError.  Elementwise operations wait in `node` until the streams are looked at.  A tensor that is
    combined with a jet must not depend on the points: one row, or none.
    """

    def __init__(self, node: Node | Tensor, layout: Layout) -> None:
        self.node: Node = Leaf(node) if isinstance(node, Tensor) else node
        self.layout = layout

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
    def leaf(self) -> Leaf:
        """The streams as they are once computed."""
        return evaluated(self.node, self.layout)

    @property
    def rows(self) -> Tensor:
        """The streams (K, R, W), a bias that waits apart from them not added."""
        return self.leaf.rows

    @property
    def bias(self) -> Tensor | None:
        """(K, 1, W), still to be added to the values: the function after a linear map takes it along."""
        return self.leaf.bias

    @property
    def width(self) -> int:
        """W."""
        return self.node.width

    @property
    def shape(self) -> torch.Size:
        """(K, n, W), that of the tensor it stands for: all sets of points together."""
        return torch.Size((self.node.replicates, self.layout.points, self.width))

    def settled(self) -> Tensor:
        """The streams (K, R, W), nothing left to be added."""
        return settled(self.leaf, self.layout)

    @property
    def like(self) -> Tensor:
        """A tensor of its precision, on its device."""
        return self.node.like

    @property
    def dtype(self) -> torch.dtype:
        return self.like.dtype

    @property
    def device(self) -> torch.device:
        return self.like.device

    def __len__(self) -> int:
        return self.node.replicates

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        rule = RULES.get(getattr(Tensor, name, None))
        if rule is None:
            raise NoRuleError(name)
        return lambda *arguments, **options: rule(self, *arguments, **options)

    def __getitem__(self, index: Any) -> Jet:
        """Some of the columns: `x[..., :1]`."""
        if not isinstance(index, tuple) or len(index) != 2 or index[0] is not Ellipsis:
            raise NoRuleError("indexing of anything but the last axis")
        if isinstance(index[1], int):
            raise NoRuleError("indexing that drops an axis")
        return Jet(self.settled()[index], self.layout)

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


RULES: dict[Any, Rule] = {}
"""torch's function -> what it is for jets."""


def rule(*functions: Any) -> Callable[[Rule], Rule]:
    """Makes the decorated function the rule of some of torch's."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(functions, function))
        return function

    return register


def _ruled(function: Any, *arguments: Any) -> Jet:
    result: Jet = RULES[function](*arguments)
    return result
