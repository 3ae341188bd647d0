"""What goes in and out of a network's layers in one pass: from it, rows of its Jacobian.

The values of a network that looks at each point by itself, and their carried derivatives, depend at each
point on the streams of that point alone.  One reverse pass from a sum over the points therefore leaves, at
the output of every layer, the adjoint of each point; with the streams that went in, for a linear map by
their outer product, it is that point's row of the Jacobian, for the cost of one gradient.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from dgm_core.calculus.jets.jet import Jet, NoRuleError
from dgm_core.calculus.jets.layout import Layout
from dgm_core.calculus.jets.nodes import Leaf

Target = Callable[[Tensor], Tensor]
"""A parameter -> where its columns of some rows of the Jacobian are, (K, n, its numbers)."""


@dataclass(frozen=True)
class LayerPass(ABC):
    """A layer with parameters in one pass: streams in, (K, R, fan_in), and out, (K, R, fan_out), before its
    bias."""

    inputs: Tensor
    outputs: Tensor

    @abstractmethod
    def write(self, target: Target, inputs: Tensor, adjoint: Tensor, *, add: bool) -> None:
        """Writes, or adds, the rows of n points, from their part of the inputs (K, S, n, fan_in) and the
        adjoint of their outputs (K, S, n, fan_out)."""


@dataclass(frozen=True)
class LinearPass(LayerPass):
    """A linear map, x W + b."""

    weight: Tensor
    bias: Tensor | None

    def write(self, target: Target, inputs: Tensor, adjoint: Tensor, *, add: bool) -> None:
        rows = target(self.weight).unflatten(2, (inputs.shape[3], adjoint.shape[3]))
        for s in range(inputs.shape[1]):
            left, right = inputs[:, s, :, :, None], adjoint[:, s, :, None, :]
            if s or add:
                rows.addcmul_(left, right)
            else:
                torch.mul(left, right, out=rows)
        _write_bias(target, self.bias, adjoint, add=add)


@dataclass(frozen=True)
class ScalePass(LayerPass):
    """x times f(parameter), one factor for each unit or one for all, + b; slope: f′."""

    parameter: Tensor
    slope: Tensor
    bias: Tensor | None

    def write(self, target: Target, inputs: Tensor, adjoint: Tensor, *, add: bool) -> None:
        rows = (inputs * adjoint).sum(dim=1) * self.slope  # (K, n, W)
        if self.parameter.shape[2] == 1:
            rows = rows.sum(dim=2, keepdim=True)
        block = target(self.parameter)
        block.add_(rows) if add else block.copy_(rows)
        _write_bias(target, self.bias, adjoint, add=add)


def _write_bias(target: Target, bias: Tensor | None, adjoint: Tensor, *, add: bool) -> None:
    if bias is not None:
        rows = target(bias)
        rows.add_(adjoint[:, 0]) if add else rows.copy_(adjoint[:, 0])


@dataclass
class Pass:
    """One call of a network: its layers with parameters, and its streams (K, R, q).

    cut: the same streams, of which the residuals are made, in a graph of their own.
    """

    maps: list[LayerPass]
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
    _maps: list[LayerPass] = field(default_factory=list)

    def linear(self, x: Any, weight: Tensor, bias: Tensor | None) -> Any:
        """x W + b of a jet, noted.  Raises NoRuleError for anything else."""
        rows = _streams(x)
        outputs = torch.bmm(rows, weight)
        self._maps.append(LinearPass(rows.detach(), outputs, weight, bias))
        return Jet(Leaf(outputs, bias), x.layout)

    def scale(self, x: Any, parameter: Tensor, factor: Tensor, slope: Tensor, bias: Tensor | None) -> Any:
        """x · factor + b of a jet, noted; the factor is a function of the parameter, of that slope."""
        rows = _streams(x)
        outputs = rows * factor
        self._maps.append(ScalePass(rows.detach(), outputs, parameter, slope.detach(), bias))
        return Jet(Leaf(outputs, bias), x.layout)

    def output(self, y: Any) -> Any:
        """A jet of the same streams that knows nothing of the network."""
        streams = _streams(y)
        cut = streams.detach() if self.values is None else self.values(streams)
        self.passes.append(Pass(self._maps, y.layout, streams, cut.requires_grad_()))
        self._maps = []
        return Jet(self.passes[-1].cut, y.layout)

    def adjoints(self, cotangents: Sequence[Tensor]) -> list[list[Tensor]]:
        """Of the outputs of every linear map, by pass, from those of the network's streams."""
        outputs = [linear_map.outputs for pass_ in self.passes for linear_map in pass_.maps]
        gradients = iter(
            torch.autograd.grad(
                [pass_.outputs for pass_ in self.passes],
                outputs,
                list(cotangents),
                retain_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )
        )
        return [[next(gradients) for _ in pass_.maps] for pass_ in self.passes]


def _streams(x: Any) -> Tensor:
    if not isinstance(x, Jet):
        raise NoRuleError("a network whose derivatives are not carried")
    return x.settled()


@contextmanager
def tapped(network: nn.Module, piece: Any, taps: Taps) -> Iterator[None]:
    """Within it the layers of a network that have parameters, and what it gives, go through taps.

    piece: what calls the network, with an `output_tap`.
    """
    layers = [module for module in network.modules() if hasattr(module, "tap")]
    for layer in layers:
        layer.tap = taps  # type: ignore[assignment]
    piece.output_tap = taps.output
    try:
        yield
    finally:
        for layer in layers:
            layer.tap = None  # type: ignore[assignment]
        piece.output_tap = None


def tappable(network: nn.Module) -> bool:
    """Whether all parameters of a network are those of layers that can be tapped."""
    known = {
        id(p)
        for module in network.modules()
        if hasattr(module, "tap")
        for p in module.parameters(recurse=False)
    }
    return all(id(parameter) in known for parameter in network.parameters())
