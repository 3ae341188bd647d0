"""A network's values as they count: in float64 and in evaluation mode."""

from __future__ import annotations

from collections.abc import Iterator
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
