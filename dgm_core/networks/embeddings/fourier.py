"""Random Fourier features."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dgm_core.networks.embeddings.base import EmbeddingConfig, InputEmbedding


class Fourier(InputEmbedding):
    """(cos xB, sin xB), where the frequencies B (inputs, `embedding_features`) ~ N(0, `embedding_scale`²) are
    drawn once and not trained.

    A network learns low frequencies first; these give it high ones to begin with, up to about the scale.
    Source: Tancik et al. (2020); for differential equations Wang, Wang and Perdikaris (2021), "On the
    eigenvector bias of Fourier feature networks", section 3.
    """

    frequencies: Tensor

    def __init__(self, inputs: int, config: EmbeddingConfig, generators: Sequence[torch.Generator]) -> None:
        super().__init__(inputs, config, generators)
        shape = (inputs, config.embedding_features)
        drawn = [torch.randn(shape, dtype=torch.float64, generator=g) for g in generators]
        self.register_buffer("frequencies", (config.embedding_scale * torch.stack(drawn)).float())

    @staticmethod
    def outputs(inputs: int, config: EmbeddingConfig) -> int:
        return 2 * config.embedding_features

    def forward(self, x: Tensor) -> Tensor:
        angle = torch.bmm(x, self.frequencies)
        return torch.cat([torch.cos(angle), torch.sin(angle)], dim=-1)
