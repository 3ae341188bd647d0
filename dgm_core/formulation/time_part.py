"""What every part of a problem in a window of time has: that of the whole, between two times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from dgm_core.calculus import Derivatives
from dgm_core.formulation.base import Problem


@dataclass(frozen=True, eq=False)
class TimePart(Problem):
    """The part of a problem with times in [lower, upper], started from `initial`.

    None stands for the problem's own start.  The reference stays that of the whole problem.
    """

    problem: Problem
    lower: float
    upper: float
    initial: Tensor | None = None

    def __post_init__(self) -> None:
        """Takes over what describes the problem."""
        for constant in ("name", "outputs", "source", "settings", "resolution", "score"):
            object.__setattr__(self, constant, getattr(self.problem, constant))

    def examine(self) -> None:
        """Nothing: the whole problem was examined."""

    @property
    def whole(self) -> Problem:
        return self.problem.whole

    def equation(self, y: Derivatives) -> Tensor:
        return self.problem.equation(y)

    def reference(self, x: Tensor) -> Tensor:
        return self.problem.reference(x)

    def parameters(self) -> dict[str, Any]:
        return self.problem.parameters()
