"""Initial value problems of first order in time alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.base import Problem
from dgm_core.formulation.conditions import Condition, Dirichlet
from dgm_core.formulation.defaults import IN_TIME
from dgm_core.formulation.regions import FixedNodes, Region

_TERMS = ("initial",)


class InitialValueProblem(Problem):
    """A system of ordinary differential equations, y(start) given; the one input is t.

    `start` gives the values there, or `initial_state` computes them.
    """

    outputs: ClassVar[tuple[str, ...]] = ("y",)
    start: ClassVar[Sequence[float]]
    """The values at the start, one for each of `outputs`."""
    settings = IN_TIME
    resolution = 50

    def initial_state(self, like: Tensor) -> Tensor:
        """y at the start, (1 or K, 1, q), in the dtype and on the device of `like`."""
        return like.new_tensor([float(value) for value in self.prescribed_start])[None, None, :]

    @property
    def conditions(self) -> dict[str, tuple[Region, Condition]]:
        return {"initial": (FixedNodes(((self.inputs[0].lower,),)), Dirichlet(self._given))}

    @property
    def hard_terms(self) -> tuple[str, ...]:
        return _TERMS

    def constrain(self, x: Tensor, raw: Tensor) -> Tensor:
        """y(start) + (1 − exp(−s)) raw, s = (t − start) / (end − start): the same in any unit of time."""
        time = self.inputs[0]
        elapsed = (x - time.lower) / (time.upper - time.lower)
        return self._given(raw) - torch.expm1(-elapsed) * raw

    @property
    def starts(self) -> tuple[int, ...]:
        """The values of all outputs, where nothing but the start is prescribed."""
        return (1,) * len(self.outputs) if set(self.conditions) == set(_TERMS) else ()

    def state_at_start(self) -> Tensor:
        return self._given(torch.zeros(1, 1, 1, dtype=torch.float64))[:, 0]

    def _given(self, like: Tensor) -> Tensor:
        """The initial state, also where it comes as a number, a tuple of numbers or (q,)."""
        state: Any = self.initial_state(like)
        if isinstance(state, tuple | list | float | int):
            state = like.new_tensor(state)
        given: Tensor = state if len(state.shape) > 1 else state.to(like).reshape(1, 1, -1)
        return given

    @property
    def prescribed_start(self) -> Sequence[float]:
        """`start`.  Raises ConfigurationError where it has not a value for each output."""
        if not hasattr(self, "start"):
            raise ConfigurationError(
                f"{self.name} lacks `start`, the values of {', '.join(self.outputs)} there."
            )
        if not hasattr(self.start, "__len__"):
            raise ConfigurationError(
                f"start = {self.start!r} of {self.name} is not allowed: it must be a tuple with a value for "
                f"each of the outputs, ({self.start!r},) for one."
            )
        if len(self.start) != len(self.outputs):
            raise ConfigurationError(
                f"start = {tuple(self.start)} of {self.name} is not allowed: it must have a value for "
                f"each of the outputs {', '.join(self.outputs)}."
            )
        return self.start
