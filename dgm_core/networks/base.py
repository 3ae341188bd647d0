"""The registry of networks and how one is built from a configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor, nn

from dgm_core.errors import ConfigurationError, explain
from dgm_core.networks.activations import get_activation
from dgm_core.networks.layers import AdaptiveActivation, LayerFactory
from dgm_core.random_streams import stream
from dgm_core.registry import Registry, kebab, subclasses

BATCH_NORMS = ("none", "before", "after")
"""Where a layer normalises over the batch: nowhere, before or after its activation."""


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
    @property
    def batch_norm(self) -> str: ...
    @property
    def dropout(self) -> float: ...
    @property
    def weight_factorisation(self) -> float | None: ...
    @property
    def activation_slope(self) -> float | None: ...
    @property
    def network_settings(self) -> Mapping[str, Any]: ...


class NetworkSettings(BaseModel):
    """What one architecture alone can be told: keys `network.KEY`, validated, searchable and recorded."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Network(nn.Module):
    """K networks at once: (K, n, inputs) -> (K, n, outputs), K = one for each generator.

    Every parameter's first axis is K and no operation mixes replicates.  Settings of its own are a subclass
    `Settings(NetworkSettings)` inside it, each with a default; `self.settings` holds their values.
    """

    Settings: ClassVar[type[NetworkSettings]] = NetworkSettings

    name: ClassVar[str]
    """By default the class's own, in small letters."""
    batch_norms: ClassVar[tuple[str, ...]] = ("none",)
    """The values of `batch_norm` that this architecture has."""

    dropout_generators: list[torch.Generator]
    pointwise: bool
    """Whether outputs depend on their own point only: not where a layer normalises over the batch."""
    stochastic: bool
    """Whether layers drop units in training mode."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" not in cls.__dict__:
            cls.name = kebab(cls.__name__)

    def __init__(self, inputs: int, outputs: int, config: NetworkConfig, make: LayerFactory) -> None:
        super().__init__()
        self.pointwise = config.batch_norm == "none"
        self.stochastic = config.dropout > 0
        self.dropout_generators = make.dropout_generators
        self.settings: Any = self.settings_from(config.network_settings)

    @classmethod
    def settings_from(cls, values: Mapping[str, Any]) -> NetworkSettings:
        """Its settings with the given values.  Raises ConfigurationError in one sentence."""
        known = cls.Settings.model_fields
        if values and not known:
            key = next(iter(values))
            raise ConfigurationError(f"unknown key 'network.{key}': {cls.name} has no settings of its own.")
        try:
            return cls.Settings(**values)
        except ValidationError as error:
            raise explain(error, known, "network.") from None

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError


NETWORKS: Registry[type[Network]] = Registry(
    "network", "dgm_core.networks", lambda module: subclasses(module, Network)
)


def build_network(
    config: NetworkConfig, inputs: int, outputs: int, seeds: Sequence[int], *path: str | int
) -> Network:
    """The configured network, replicate k initialised by the stream (seeds[k], "weights", *path).

    Its dropout draws from (seeds[k], "dropout", *path).
    """
    make = LayerFactory(
        get_activation(config.activation),
        config.initialisation,
        config.gain,
        [stream(seed, "weights", *path) for seed in seeds],
        dropout=config.dropout,
        dropout_generators=[stream(seed, "dropout", *path) for seed in seeds],
        factorisation=config.weight_factorisation,
        slope=config.activation_slope,
    )
    network = NETWORKS.get(config.network)(inputs, outputs, config, make)
    if config.activation_slope is not None and not any(
        isinstance(module, AdaptiveActivation) for module in network.modules()
    ):
        raise ConfigurationError(
            f"activation_slope = {config.activation_slope} is not allowed: network {config.network!r} "
            "takes no activation from `LayerFactory.function`."
        )
    return network


def count_parameters(network: nn.Module) -> int:
    """Trainable parameters of one replicate."""
    return sum(p[0].numel() for p in network.parameters())
