"""The settings that are chosen by name, and the names that each can have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from dgm_core.networks import ACTIVATIONS, BATCH_NORMS, EMBEDDINGS, INITIALISATIONS, NETWORKS
from dgm_core.networks.initialisation import LAST_LAYERS
from dgm_core.training.balancing import BALANCINGS
from dgm_core.training.formulations import FORMULATIONS
from dgm_core.training.optimizers import OPTIMIZERS
from dgm_core.training.optimizers.refusals import NO_POLISH
from dgm_core.training.points import ADAPTATIONS
from dgm_core.training.precision import PRECISIONS
from dgm_core.training.samplers import SAMPLERS
from dgm_core.training.scaling import INPUT_SCALINGS, OUTPUT_SCALINGS, TERM_SCALINGS
from dgm_core.training.schedules import SCHEDULES

CHOICES: Mapping[str, Callable[[], Iterable[str]]] = {
    "network": lambda: NETWORKS,
    "embedding": lambda: ("none", *EMBEDDINGS),
    "balancing": lambda: ("none", *BALANCINGS),
    "activation": lambda: ACTIVATIONS,
    "batch_norm": lambda: BATCH_NORMS,
    "initialisation": lambda: INITIALISATIONS,
    "last_layer": lambda: LAST_LAYERS,
    "input_scaling": lambda: INPUT_SCALINGS,
    "output_scaling": lambda: OUTPUT_SCALINGS,
    "term_scaling": lambda: TERM_SCALINGS,
    "formulation": lambda: FORMULATIONS,
    "sampler": lambda: SAMPLERS,
    "adaptation": lambda: ADAPTATIONS,
    "precision": lambda: PRECISIONS,
    "optimizer": lambda: OPTIMIZERS,
    "polish": lambda: (NO_POLISH, *OPTIMIZERS),
    "schedule": lambda: SCHEDULES,
}
"""Setting -> what lists its names: asked anew each time, as a user's file may define some."""


def choices(setting: str) -> list[str]:
    """The names that a setting can have at present."""
    return list(CHOICES[setting]())
