"""The feed-forward network of the paper."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn

from dgm_core.networks.base import BATCH_NORMS, Network, NetworkConfig
from dgm_core.networks.layers import LayerFactory


class MLP(Network):
    """Multi-layer perceptron: `depth` hidden layers of `width` units, linear output.

    The paper counts `num_layers` after the input layer's own, so its `num_layers` is depth − 1:
    its heat network 2→32→32→32→1 has depth 3.  With `batch_norm` every hidden layer normalises
    before or after its activation, and its linear map has no bias (of both kinds, as in the paper;
    after the activation, that leaves the first layer without any shift).

    Normalising *after* the activation leaves only the linear output behind the last normalisation,
    so in training the sum of the outputs over a batch is the same for any batch, and every
    derivative of it that a residual asks for is zero (see `BatchNorm`): the interior residual of
    the heat equation vanishes for any weights, and its loss falls fast by solving nothing.

    Source: Detorakis, A Primer, listing 1.
    """

    batch_norms = BATCH_NORMS

    def __init__(self, inputs: int, outputs: int, config: NetworkConfig, make: LayerFactory) -> None:
        super().__init__(inputs, outputs, config, make)
        steps: list[Callable[[Tensor], Tensor]] = []
        for fan_in, fan_out in pairwise([inputs] + [config.width] * config.depth):
            steps.append(make.hidden(fan_in, fan_out, bias=config.batch_norm == "none"))
            if config.batch_norm == "before":
                steps.append(make.normalisation(fan_out))
            steps.append(make.function())
            if config.batch_norm == "after":
                steps.append(make.normalisation(fan_out))
            steps.extend(make.after_activation())
        # A list with bare functions: at these sizes a module's call costs as much as its tanh.
        self.steps: list[Callable[[Tensor], Tensor]] = [*steps, make.output(config.width, outputs)]
        self.layers = nn.ModuleList(step for step in self.steps if isinstance(step, nn.Module))

    def forward(self, x: Tensor) -> Tensor:
        for step in self.steps:
            x = step(x)
        return x
