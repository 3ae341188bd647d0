"""How long a training takes, by a model of its cost."""

from dgm_core import Setup
from studies.cost import training_seconds
from studies.objectives.base import Aim


class SecondsAim(Aim):
    """Of all replicates together on one core, by `studies.cost.training_seconds`; not measured."""

    name = "seconds"

    def value(self, setup: Setup, replicates: int) -> float:
        return training_seconds(setup, replicates)
