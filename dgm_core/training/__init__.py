"""How a field is fitted: configuration, points, loss, loop, evaluation, checkpoint."""

from dgm_core.formulation import METRICS
from dgm_core.training.config import TrainConfig
from dgm_core.training.evaluation import Errors, median
from dgm_core.training.field import TrainedField
from dgm_core.training.loop import Trainer, train
from dgm_core.training.model import load_field, save_model
from dgm_core.training.process import choose_device, configure_process
from dgm_core.training.progress import TrainingProgress
from dgm_core.training.result import Polished, Status, TrainResult
from dgm_core.training.setup import Setup

__all__ = [
    "METRICS",
    "Errors",
    "Polished",
    "Setup",
    "Status",
    "TrainConfig",
    "TrainResult",
    "TrainedField",
    "Trainer",
    "TrainingProgress",
    "choose_device",
    "configure_process",
    "load_field",
    "median",
    "save_model",
    "train",
]
