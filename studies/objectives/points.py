"""How many points a training sees."""

from dgm_core import Setup
from studies.objectives.base import Aim


class PointsAim(Aim):
    """Iterations × batch size, as the column `points` has it; a polish does not count."""

    name = "points"

    def value(self, setup: Setup, replicates: int) -> float:
        return float(setup.config.iterations * setup.config.batch_size)
