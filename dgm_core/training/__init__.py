"""How a field is fitted: configuration, points, loss, loop, evaluation, checkpoint."""

from dgm_core.training.config import Setup, TrainConfig
from dgm_core.training.evaluation import METRICS, Errors, median
from dgm_core.training.loop import Trainer, train
from dgm_core.training.result import Status, TrainResult

__all__ = [
    "METRICS",
    "Errors",
    "Setup",
    "Status",
    "TrainConfig",
    "TrainResult",
    "Trainer",
    "median",
    "train",
]
