"""How large a network is."""

from dgm_core import Setup
from dgm_core.networks import count_parameters
from dgm_core.training.solution import Solution
from studies.objectives.base import Aim


class ParametersAim(Aim):
    """Trained numbers of one replicate, over all time windows."""

    name = "parameters"

    def value(self, setup: Setup, replicates: int) -> float:
        return float(count_parameters(Solution(setup, [0])))
