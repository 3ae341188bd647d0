"""The registry of networks and how one is built from a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor, nn

from dgm_core.networks.activations import get_activation
from dgm_core.networks.layers import LayerFactory
from dgm_core.registry import Registry
from dgm_core.streams import stream


class NetworkConfig(Protocol):
    """What a network reads of a training configuration."""

    @property
    def network(self) -> str: ...
    @property
    def depth(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def activation(self) -> str: ...
    @property
    def initialisation(self) -> str | None: ...
    @property
    def gain(self) -> float | None: ...


class Network(nn.Module):
    """K networks at once: (K, n, inputs) -> (K, n, outputs), K = one for each generator.

    Every parameter's first axis is K and no operation mixes replicates.
    """

    def __init__(self, inputs: int, outputs: int, config: NetworkConfig, make: LayerFactory) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError


NETWORKS: Registry[type[Network]] = Registry("network", "dgm_core.networks")


def build_network(config: NetworkConfig, inputs: int, outputs: int, seeds: Sequence[int]) -> Network:
    """The configured network, replicate k initialised by the stream (seeds[k], "weights")."""
    generators = [stream(seed, "weights") for seed in seeds]
    activation = get_activation(config.activation)
    make = LayerFactory(activation, config.initialisation, config.gain, generators)
    return NETWORKS.get(config.network)(inputs, outputs, config, make)


def count_parameters(network: nn.Module) -> int:
    """Trainable parameters of one replicate."""
    return sum(p[0].numel() for p in network.parameters())
