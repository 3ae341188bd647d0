"""What every embedding of the inputs is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from dgm_core.registry import kebab


class EmbeddingConfig(Protocol):
    """What an embedding reads of a training configuration."""

    @property
    def embedding_features(self) -> int: ...
    @property
    def embedding_scale(self) -> float: ...


class InputEmbedding(nn.Module, ABC):
    """K maps of a network's inputs: (K, n, inputs) -> (K, n, `outputs`), K = one for each generator.

    Parameters, which are trained, and buffers have a leading axis K; each point is mapped by itself.
    """

    name: ClassVar[str]
    """By default the class's own, as `kebab` writes it."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" not in cls.__dict__:
            cls.name = kebab(cls.__name__)

    def __init__(self, inputs: int, config: EmbeddingConfig, generators: Sequence[torch.Generator]) -> None:
        super().__init__()

    @staticmethod
    @abstractmethod
    def outputs(inputs: int, config: EmbeddingConfig) -> int:
        """How many inputs the network then has."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor: ...
