"""Unknown constants of an equation, which are trained beside the network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol, Self

import torch
from pydantic_core import core_schema
from torch import Tensor, nn

from dgm_core.errors import ConfigurationError

BOUND = "_constants"
"""Where an instance keeps the values that stand for its constants at present."""


class Values(Protocol):
    """What stands for the constants of a problem: (K, 1, 1) each, or a number."""

    def value(self, name: str) -> Tensor | float: ...


class Trained(float):
    """A constant of a problem that is not known: `k: float = Trained(0.5, positive=True)`.

    Its number is where each replicate starts; from there every replicate fits its own, by the same optimizer
    as its weights.  In an equation it is a tensor (K, 1, 1), elsewhere the number.  As an annotated field of
    the class its start is a parameter as any other, `problem.k`.

    positive: it stays above 0, and its logarithm is trained.  truth: its value where that is known, which
    is reported beside the estimate and with which a reference is checked.
    """

    positive: bool
    truth: float | None
    _name: str

    def __new__(cls, start: float, *, positive: bool = False, truth: float | None = None) -> Self:
        if not math.isfinite(start) or (positive and not start > 0):
            rule = "a finite number above 0" if positive else "a finite number"
            raise ConfigurationError(f"Trained({start}) is not allowed: it starts at {rule}.")
        if truth is not None and positive and not truth > 0:
            raise ConfigurationError(f"truth = {truth} of a positive Trained constant is not allowed.")
        constant = super().__new__(cls, start)
        constant.positive, constant.truth = positive, truth
        return constant

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        values: Values | None = instance.__dict__.get(BOUND)
        return self.start_of(instance) if values is None else values.value(self._name)

    def __set__(self, instance: Any, value: float) -> None:
        instance.__dict__[self._name] = value

    def start_of(self, instance: Any) -> float:
        """Where the constant of an instance starts."""
        return float(instance.__dict__.get(self._name, self))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.float_schema(strict=True, allow_inf_nan=False)


class Known:
    """Constants at given numbers, or tensors (K, 1, 1) of them."""

    def __init__(self, values: Mapping[str, Tensor | float]) -> None:
        self._values = dict(values)

    def value(self, name: str) -> Tensor | float:
        """The number."""
        return self._values[name]


class Constants(nn.Module):
    """The constants of K replicates as parameters (K, 1): of a positive one its logarithm over the start's,
    of any other its distance from the start in units of the start's size."""

    def __init__(self, trained: Mapping[str, tuple[Trained, float]], replicates: int) -> None:
        """trained: name -> constant and start."""
        super().__init__()
        self._trained = dict(trained)
        for name in trained:
            self.register_parameter(name, nn.Parameter(torch.zeros(replicates, 1)))

    def value(self, name: str) -> Tensor:
        """(K, 1, 1), in the dtype of training."""
        (kind, start), raw = self._trained[name], self.get_parameter(name)[..., None]
        return start * torch.exp(raw) if kind.positive else start + (abs(start) or 1.0) * raw

    def values(self) -> dict[str, list[float]]:
        """Name -> the value of each replicate, (K,)."""
        return {name: self.value(name).detach().double().flatten().tolist() for name in self._trained}


def trained_in(cls: type) -> dict[str, Trained]:
    """The trained constants of a class by name."""
    members: dict[str, Any] = {}
    for ancestor in reversed(cls.__mro__):
        members |= vars(ancestor)
    return {name: member for name, member in members.items() if isinstance(member, Trained)}
