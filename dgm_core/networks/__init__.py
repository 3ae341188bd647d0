"""What approximates a solution; every network trains K replicates as one batched axis."""

from dgm_core.networks.activations import ACTIVATIONS
from dgm_core.networks.base import (
    BATCH_NORMS,
    NETWORKS,
    Network,
    NetworkSettings,
    build_network,
    count_parameters,
)
from dgm_core.networks.embeddings import EMBEDDINGS
from dgm_core.networks.initialisation import INITIALISATIONS

__all__ = [
    "ACTIVATIONS",
    "BATCH_NORMS",
    "EMBEDDINGS",
    "INITIALISATIONS",
    "NETWORKS",
    "Network",
    "NetworkSettings",
    "build_network",
    "count_parameters",
]
