"""What goes in and out of a network's linear maps in one pass: from it, rows of its Jacobian.

The values of a network that looks at each point by itself, and their carried derivatives, depend at each
point on the streams of that point alone.  One reverse pass from a sum over the points therefore leaves, at
the output of every linear map, the adjoint of each point; with the streams that went in, their outer
product is that point's row of the Jacobian, for the cost of one gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from dgm_core.calculus.jets.expressions import Leaf
from dgm_core.calculus.jets.jet import Jet, NoRuleError
from dgm_core.calculus.jets.layout import Layout


@dataclass(frozen=True)
class LinearPass:
    """A linear map in one pass: streams in, (K, R, fan_in), and out, (K, R, fan_out), the bias left out."""

    weight: Tensor
    bias: Tensor | None
    inputs: Tensor
    outputs: Tensor


@dataclass
class Pass:
    """One call of a network: its linear maps, and its streams (K, R, q).

    cut: the same streams, of which the residuals are made, in a graph of their own.
    """

    maps: list[LinearPass]
    layout: Layout
    outputs: Tensor
    cut: Tensor


@dataclass
class Taps:
    """The calls of a network while it is tapped.

    values: what the cut has in place of the network's values, a function of their shape; none are the values.
    """

    values: Callable[[Tensor], Tensor] | None = None
    passes: list[Pass] = field(default_factory=list)
    _maps: list[LinearPass] = field(default_factory=list)

    def linear(self, x: Any, weight: Tensor, bias: Tensor | None) -> Any:
        """x W + b of a jet, noted.  Raises NoRuleError for anything else."""
        if not isinstance(x, Jet):
            raise NoRuleError("a network whose derivatives are not carried")
        rows = x.settled()
        outputs = torch.bmm(rows, weight)
        self._maps.append(LinearPass(weight, bias, rows.detach(), outputs))
        return Jet(Leaf(outputs, bias), x.layout)

    def output(self, y: Any) -> Any:
        """A jet of the same streams that knows nothing of the network."""
        if not isinstance(y, Jet):
            raise NoRuleError("a network whose derivatives are not carried")
        streams = y.settled()
        cut = streams.detach() if self.values is None else self.values(streams)
        self.passes.append(Pass(self._maps, y.layout, streams, cut.requires_grad_()))
        self._maps = []
        return Jet(self.passes[-1].cut, y.layout)

    def adjoints(self, cotangents: Sequence[Tensor]) -> list[list[Tensor]]:
        """Of the outputs of every linear map, by pass, from those of the network's streams."""
        outputs = [one.outputs for own in self.passes for one in own.maps]
        found = iter(
            torch.autograd.grad(
                [own.outputs for own in self.passes],
                outputs,
                list(cotangents),
                retain_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )
        )
        return [[next(found) for _ in own.maps] for own in self.passes]


@contextmanager
def tapped(network: nn.Module, piece: Any, taps: Taps) -> Iterator[None]:
    """Within it the linear layers of a network, and what it gives, go through taps.

    piece: what calls the network, with an `output_tap`.
    """
    layers = [module for module in network.modules() if hasattr(module, "tap")]
    for layer in layers:
        layer.tap = taps.linear  # type: ignore[assignment]
    piece.output_tap = taps.output
    try:
        yield
    finally:
        for layer in layers:
            layer.tap = None  # type: ignore[assignment]
        piece.output_tap = None


def tappable(network: nn.Module) -> bool:
    """Whether all parameters of a network are those of linear layers that can be tapped."""
    known = {
        id(p)
        for module in network.modules()
        if hasattr(module, "tap")
        for p in module.parameters(recurse=False)
    }
    return all(id(parameter) in known for parameter in network.parameters())
