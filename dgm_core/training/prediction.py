"""A network's values as they count: in float64 and in evaluation mode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call

from dgm_core.networks.layers import BatchNorm


def predict(network: nn.Module, points: Tensor, *, batch_statistics: bool = False) -> Tensor:
    """The network's float64 values at points (K, N, d), whatever dtype it trains in.

    In evaluation mode: no dropout, and running statistics unless `batch_statistics`.  Neither the
    network's mode nor its running statistics change.
    """
    double = {name: value.double() for name, value in network.state_dict().items()}
    with _evaluating(network, batch_statistics), torch.no_grad():
        return functional_call(network, double, (points.double(),))


def state(network: nn.Module, x: Tensor, starts: Sequence[int]) -> Tensor:
    """What a time window hands on, (K, n, s) float64, at points x (K, n, d) of one instant: the network's
    values, then the velocities of the outputs whose entry of `starts` is 2."""
    double = {name: value.double() for name, value in network.state_dict().items()}
    with _evaluating(network, False), torch.enable_grad():
        at = x.double().requires_grad_()
        values = functional_call(network, double, (at,))
        moving = [
            torch.autograd.grad(values[..., i].sum(), at, retain_graph=True)[0][..., -1:]
            for i, order in enumerate(starts)
            if order > 1
        ]
    return torch.cat([values, *moving], dim=-1).detach()


@contextmanager
def _evaluating(network: nn.Module, batch_statistics: bool) -> Iterator[None]:
    training = network.training
    network.eval()
    for module in network.modules():
        if isinstance(module, BatchNorm):
            module.training = batch_statistics
    try:
        yield
    finally:
        network.train(training)
