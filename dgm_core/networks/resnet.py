"""The residual network of the paper."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from dgm_core.networks.base import Network, NetworkConfig, NetworkSettings
from dgm_core.networks.layers import Elementwise, LayerFactory


class ResidualBlock(nn.Module):
    """y = σ(W₂ σ(W₁ x + b₁) + b₂ + s), where the skip s is x, or P x where the widths differ.

    With batch normalisation W x + b becomes BN(W x), for both layers.
    """

    def __init__(self, fan_in: int, width: int, make: LayerFactory, *, normalise: bool) -> None:
        super().__init__()

        def linear(fan: int) -> list[nn.Module]:
            layer = make.hidden(fan, width, bias=not normalise)
            return [layer, make.normalisation(width)] if normalise else [layer]

        self.residual = nn.Sequential(*linear(fan_in), Elementwise(make.function()), *linear(width))
        self.skip = make.output(fan_in, width, bias=False) if fan_in != width else nn.Identity()
        self.last = nn.Sequential(Elementwise(make.function()), *make.after_activation())

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.residual(x) + self.skip(x))


class ResNet(Network):
    """`depth` residual blocks of two layers of `width` units, linear output.

    Batch normalisation follows each linear layer of a block, so `batch_norm` is "before" (the
    activation) or "none".  Source: He et al. (2016); Detorakis, A Primer, section 2.3.
    """

    class Settings(NetworkSettings):
        """What this architecture alone can be told."""

        widths: tuple[Annotated[int, Field(ge=1, le=4096, strict=True)], ...] | None = None
        """Units of each block, in place of `depth` blocks of `width`."""

    name = "resnet"
    batch_norms = ("none", "before")

    def __init__(self, inputs: int, outputs: int, config: NetworkConfig, make: LayerFactory) -> None:
        super().__init__(inputs, outputs, config, make)
        normalise = config.batch_norm == "before"
        widths = self.settings.widths or [config.width] * config.depth
        pairs = pairwise([inputs, *widths])
        self.blocks = nn.Sequential(*(ResidualBlock(a, b, make, normalise=normalise) for a, b in pairs))
        self.output = make.output(widths[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.blocks(x))
