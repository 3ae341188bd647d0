"""The feed-forward network of the paper."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from dgm_core.networks.base import BATCH_NORMS, Network, NetworkConfig, NetworkSettings
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

    class Settings(NetworkSettings):
        """What this architecture alone can be told."""

        widths: tuple[Annotated[int, Field(ge=1, le=4096, strict=True)], ...] | None = None
        """Units of each hidden layer, in place of `depth` layers of `width`.  Narrow towards the end where a
        solution is smooth."""

    batch_norms = BATCH_NORMS

    def __init__(self, inputs: int, outputs: int, config: NetworkConfig, make: LayerFactory) -> None:
        super().__init__(inputs, outputs, config, make)
        steps: list[Callable[[Tensor], Tensor]] = []
        widths = self.settings.widths or [config.width] * config.depth
        for fan_in, fan_out in pairwise([inputs, *widths]):
            steps.append(make.hidden(fan_in, fan_out, bias=config.batch_norm == "none"))
            if config.batch_norm == "before":
                steps.append(make.normalisation(fan_out))
            steps.append(make.function())
            if config.batch_norm == "after":
                steps.append(make.normalisation(fan_out))
            steps.extend(make.after_activation())
        # A list with bare functions: at these sizes a module's call costs as much as its tanh.
        self.steps: list[Callable[[Tensor], Tensor]] = [*steps, make.output(widths[-1], outputs)]
        self.layers = nn.ModuleList(step for step in self.steps if isinstance(step, nn.Module))

    def forward(self, x: Tensor) -> Tensor:
        for step in self.steps:
            x = step(x)
        return x
