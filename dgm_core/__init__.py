"""Deep Galerkin solvers: one equation, K replicates trained as one batched axis."""

from dgm_core.errors import ConfigurationError
from dgm_core.problems import PROBLEMS, Problem, load_problem
from dgm_core.training import Setup, Status, TrainConfig, Trainer, TrainResult, train

__all__ = [
    "PROBLEMS",
    "ConfigurationError",
    "Problem",
    "Setup",
    "Status",
    "TrainConfig",
    "TrainResult",
    "Trainer",
    "load_problem",
    "train",
]
