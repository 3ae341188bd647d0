"""What a network sees in place of its inputs: one class in one file each, with its source."""

from dgm_core.networks.embeddings.base import InputEmbedding
from dgm_core.registry import Registry, subclasses

EMBEDDINGS: Registry[type[InputEmbedding]] = Registry(
    "embedding", "dgm_core.networks.embeddings", lambda module: subclasses(module, InputEmbedding)
)

__all__ = ["EMBEDDINGS", "InputEmbedding"]
