"""Initial value problems in time alone, whole or cut into windows."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from dgm_core.calculus import Derivatives
from dgm_core.errors import ConfigurationError
from dgm_core.formulation.base import Problem
from dgm_core.formulation.conditions import Condition, Dirichlet
from dgm_core.formulation.defaults import IN_TIME
from dgm_core.formulation.domains import Box
from dgm_core.formulation.regions import FixedNodes, Region


class InitialValueProblem(Problem):
    """A system of ordinary differential equations, y(start) given; the one input is t."""

    outputs: ClassVar[tuple[str, ...]] = ("y",)
    settings = IN_TIME
    resolution = 50

    @abstractmethod
    def initial_state(self, like: Tensor) -> Tensor:
        """y at the start, (1 or K, 1, q), in the dtype and on the device of `like`."""

    @property
    def conditions(self) -> dict[str, tuple[Region, Condition]]:
        return {"initial": (FixedNodes(((self.inputs[0].lower,),)), Dirichlet(self.initial_state))}

    @property
    def hard_terms(self) -> tuple[str, ...]:
        return ("initial",)

    def constrain(self, x: Tensor, raw: Tensor) -> Tensor:
        """y(start) + (1 − exp(−s)) raw, s = (t − start) / (end − start): the same in any unit of time."""
        time = self.inputs[0]
        elapsed = (x - time.lower) / (time.upper - time.lower)
        return self.initial_state(raw) - torch.expm1(-elapsed) * raw

    def window(self, lower: float, upper: float, initial: Tensor | None = None) -> Window:
        return Window(self, lower, upper, initial)


@dataclass(frozen=True, eq=False)
class Window(InitialValueProblem):
    """The part of an initial value problem in [lower, upper], started from `initial` (K, q).

    `initial` holds each replicate's own values, usually where its solution of the window before
    ended; None stands for the problem's own.  The reference stays that of the whole problem, which
    the window approaches as its initial values do.
    """

    problem: InitialValueProblem
    lower: float
    upper: float
    initial: Tensor | None = None

    def __post_init__(self) -> None:
        """Takes over what describes the problem; its reference has been verified with the whole."""
        whole = self.problem.inputs[0]
        if not whole.lower <= self.lower < self.upper <= whole.upper:
            raise ConfigurationError(
                f"a window [{self.lower}, {self.upper}] is not allowed: it must lie in "
                f"[{whole.lower}, {whole.upper}], the time of {self.problem.name}."
            )
        if self.initial is None and self.lower != whole.lower:
            raise ConfigurationError(
                f"a window of {self.problem.name} that starts at {self.lower} needs initial values."
            )
        for constant in ("name", "outputs", "source", "settings", "resolution", "score"):
            object.__setattr__(self, constant, getattr(self.problem, constant))

    @property
    def domain(self) -> Box:
        return Box(t=(self.lower, self.upper))

    @property
    def whole(self) -> Problem:
        return self.problem.whole

    def initial_state(self, like: Tensor) -> Tensor:
        if self.initial is None:
            return self.problem.initial_state(like)
        return self.initial.detach().to(like)[:, None, :]

    def equation(self, y: Derivatives) -> Tensor:
        return self.problem.equation(y)

    def reference(self, x: Tensor) -> Tensor:
        return self.problem.reference(x)

    def parameters(self) -> dict[str, Any]:
        return self.problem.parameters()

    def window(self, lower: float, upper: float, initial: Tensor | None = None) -> Window:
        return self.problem.window(lower, upper, initial)
