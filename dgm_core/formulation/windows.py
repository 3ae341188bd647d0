"""Initial value problems in time alone, cut into windows that are solved one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from dgm_core.formulation.conditions import Condition, Dirichlet, InitialVelocity
from dgm_core.formulation.domains import Box
from dgm_core.formulation.hard import prescriptions
from dgm_core.formulation.hard_forms import start_factor
from dgm_core.formulation.regions import FixedNodes, Region
from dgm_core.formulation.time_part import TimePart


@dataclass(frozen=True, eq=False)
class Window(TimePart):
    """The part of an initial value problem in [lower, upper], started from `initial` (K, s).

    `initial` holds each replicate's own state, usually where its solution of the window before ended: the
    values of all outputs, then the velocities of those whose velocity is prescribed (see `Problem.starts`).
    None stands for the problem's own.  The reference stays that of the whole problem, which the window
    approaches as its initial state does.
    """

    _held: ClassVar[Mapping[str, Condition]]
    _starts: ClassVar[tuple[int, ...]]

    def __post_init__(self) -> None:
        super().__post_init__()
        # Once: what a law prescribes is found by looking at numbers, which no recorded step may do.
        object.__setattr__(
            self, "_held", {term: held for term, (_, held) in prescriptions(self.problem).items()}
        )
        object.__setattr__(self, "_starts", self.problem.starts)

    @property
    def domain(self) -> Box:
        return Box(t=(self.lower, self.upper))

    @property
    def starts(self) -> tuple[int, ...]:
        return self._starts

    @property
    def conditions(self) -> dict[str, tuple[Region, Condition]]:
        """Those of the problem, at the beginning of the window."""
        at = FixedNodes(((self.lower,),))
        conditions: dict[str, tuple[Region, Condition]] = {}
        for term, held in self._held.items():
            assert isinstance(held, Dirichlet | InitialVelocity)
            if isinstance(held, InitialVelocity):
                conditions[term] = at, InitialVelocity(self._data(1, held.column), held.output)
            else:
                conditions[term] = at, Dirichlet(self._data(0, held.column), held.output)
        return conditions

    @property
    def hard_terms(self) -> tuple[str, ...]:
        return tuple(self.conditions)

    def constrain(self, x: Tensor, raw: Tensor) -> Tensor:
        """The initial state, moving on at its velocity, and a multiple of raw that leaves it alone."""
        values, velocities = self._state(raw)
        elapsed = x - self.lower
        share = elapsed / (self.upper - self.lower)
        orders = set(self.starts)
        if orders == {1}:
            return values + start_factor(share, 1) * raw
        begun = values + elapsed * velocities
        if orders == {2}:
            return begun + start_factor(share, 2) * raw
        factors = [start_factor(share, order) for order in self.starts]
        return begun + torch.cat(factors, dim=-1) * raw

    def state_at_start(self) -> Tensor:
        return self.problem.state_at_start() if self.initial is None else self.initial

    def _state(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Values and velocities (K or 1, 1, q) at the beginning, those not prescribed zero."""
        state = self.state_at_start().detach().to(like)[:, None, :]
        count = len(self.starts)
        moving = torch.zeros_like(state[..., :count])
        moving[..., [i for i, order in enumerate(self.starts) if order > 1]] = state[..., count:]
        return state[..., :count], moving

    def _data(self, kind: int, output: int | None) -> Callable[[Tensor], Tensor]:
        def data(x: Tensor) -> Tensor:
            values = self._state(x)[kind]
            return values if output is None else values[..., output : output + 1]

        return data
