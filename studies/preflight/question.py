"""A study or a single training, as checks look at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from dgm_core import ConfigurationError, Problem, Setup
from dgm_core.calculus import Derivatives, derivatives
from dgm_core.calculus.precision import precision
from dgm_core.formulation.terms import INTERIOR
from studies.study import Ablation, Search, Study
from studies.study.search import corners

_POINTS = 4


@dataclass(frozen=True)
class Question:
    """What is about to be trained: a search, an ablation, or one setup.

    cores: that will train.
    """

    asked: Study | Setup
    cores: int = 1

    @property
    def search(self) -> Search | None:
        """The search, where it is one."""
        return self.asked if isinstance(self.asked, Search) else None

    @property
    def ablation(self) -> Ablation | None:
        """The ablation, where it is one."""
        return self.asked if isinstance(self.asked, Ablation) else None

    @property
    def base(self) -> Setup:
        """What trials and arms differ from."""
        return self.asked if isinstance(self.asked, Setup) else self.asked.base

    @cached_property
    def setups(self) -> Mapping[str, Setup]:
        """What may be trained, each under words that a sentence can use.

        Of a search the baseline and each extreme value or choice of each key, one at a time; of an ablation
        the arms.
        """
        if isinstance(self.asked, Setup):
            return {"these settings": self.asked}
        if isinstance(self.asked, Ablation):
            return {f"the arm {arm!r}": self.asked.setup(arm) for arm in self.asked.arms}
        setups = {"the base": self.asked.base}
        for key, distribution in self.asked.space.items():
            for value in corners(distribution):
                with suppress(ConfigurationError):  # allowed only together with another setting
                    setups[f"{key} = {value}"] = self.asked.base.changed({key: value})
        return setups

    @cached_property
    def orders(self) -> Mapping[str, int]:
        """Of the equation, see `derivative_orders`."""
        return derivative_orders(self.base.problem)

    @cached_property
    def orders_by_output(self) -> Mapping[tuple[int, str], int]:
        """Likewise, of each output."""
        return orders_by_output(self.base.problem)


class _Noted(Derivatives):
    """Derivatives that note what is asked of them."""

    def __init__(self, inner: Derivatives) -> None:
        self.x, self.value, self.axes = inner.x, inner.value, inner.axes
        self.orders: Counter[tuple[int, str]] = Counter()
        self._inner = inner

    def partial(self, output: int, path: tuple[int, ...]) -> Tensor:
        for column, order in Counter(path).items():
            self._note(output, self.axes[column], order)
        return self._inner.partial(output, path)

    def along(self, directions: Tensor, order: int, output: int) -> Tensor:
        moved = directions.detach().abs().amax(dim=(0, 1, 2))
        for axis, size in zip(self.axes, moved.tolist(), strict=True):
            if size:
                self._note(output, axis, order)
        return self._inner.along(directions, order, output)

    def _note(self, output: int, axis: str, order: int) -> None:
        self.orders[output, axis] = max(self.orders[output, axis], order)


def derivative_orders(problem: Problem) -> dict[str, int]:
    """The highest derivative along each axis that the equation takes: {"x": 2, "t": 1} for the heat equation.

    Read by calling `equation` once with a smooth field.  Empty where a problem has no equation of that form,
    such as an integral equation.
    """
    orders: dict[str, int] = {}
    for (_, axis), order in orders_by_output(problem).items():
        orders[axis] = max(orders.get(axis, 0), order)
    return orders


def orders_by_output(problem: Problem) -> dict[tuple[int, str], int]:
    """(output, axis) -> its highest derivative, likewise."""
    return {} if type(problem).equation is Problem.equation else dict(_equation(problem)[0].orders)


def residual_widths(problem: Problem) -> tuple[int, ...]:
    """How many columns each residual has that `equation` returns, likewise: (1,) for one equation."""
    if type(problem).equation is Problem.equation:
        return ()
    _, residuals = _equation(problem)
    members = residuals if isinstance(residuals, tuple | list) else (residuals,)
    return tuple(member.shape[-1] for member in members)


def _equation(problem: Problem) -> tuple[_Noted, Any]:
    """What `equation` asked of a smooth field, and what it returned."""
    axes = tuple(axis.name for axis in problem.inputs)
    region = problem.regions()[INTERIOR]
    unit = torch.linspace(0.2, 0.8, _POINTS, dtype=torch.float64)
    x = region.place(unit[None, :, None].expand(1, _POINTS, region.coordinates).contiguous())
    width = torch.arange(1.0, len(problem.outputs) + 1.0, dtype=torch.float64)

    def smooth(points: Tensor) -> Tensor:
        return 1.0 + torch.sin(points.sum(dim=-1, keepdim=True)) / (1.0 + width)

    noted = _Noted(derivatives(smooth, x, axes))
    noted.field, noted.domain, noted.outputs = smooth, problem.domain, problem.outputs
    with torch.enable_grad(), precision(torch.float64):
        return noted, problem.equation(noted)
