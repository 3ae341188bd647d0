"""No early stopping: every trial runs to its end."""

from studies.stopping.base import Look, Rule


class NoStopping(Rule):
    """For scores that say nothing before the end."""

    name = "none"

    def rungs(self, number: int) -> tuple[int, ...]:
        return ()

    def look(self, number: int, rung: int, score: float) -> Look:
        return Look(stopped=False)
