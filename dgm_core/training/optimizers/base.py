"""What every optimizer is: a rule for single steps, or a method that descends on fixed points."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from dgm_core.errors import ConfigurationError
from dgm_core.registry import kebab


@dataclass(frozen=True)
class Settings:
    """What some optimizers can be told; None is the optimizer's own default."""

    weight_decay: float | None = None
    beta1: float | None = None
    beta2: float | None = None
    momentum: float | None = None
    damping: float | None = None

    @classmethod
    def of(cls, config: Any) -> Settings:
        """Those of a training configuration."""
        return cls(**{field.name: getattr(config, field.name) for field in fields(cls)})


class Optimizer(ABC):
    """Changes flat parameters (K, P), each replicate by itself."""

    name: ClassVar[str]
    """By default the class's own, as `kebab` writes it."""
    defaults: ClassVar[Mapping[str, float]] = {}
    """The fields of `Settings` that it reads, with its defaults."""
    gradients: ClassVar[float] = 1.0
    """What a step costs, in evaluations of the loss and its gradient by a first-order method: nominal."""

    @classmethod
    def products(cls, points: int, parameters: int) -> float:
        """Products of matrix entries that a step of one replicate costs beyond its gradients: nominal."""
        return 0.0

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" not in cls.__dict__:
            cls.name = kebab(cls.__name__)

    def __init__(self, settings: Settings) -> None:
        given = {name: getattr(settings, name) for name in self.defaults}
        self.options = {
            name: self.defaults[name] if value is None else value for name, value in given.items()
        }
        """Each of the `defaults`, or what the settings say in its place."""


class Stepwise(Optimizer):
    """Changes `values` by the gradients that they hold, at the rate that the tensor `rate` () holds.

    `state` holds what it remembers, in tensors that a step changes in place.  shapes: those of the parameters
    that lie one after another in a row of `values`, without K; by default one vector.
    """

    replayable: ClassVar[bool] = True
    """Whether every step is the same operations on the same tensors (see `dgm_core.tape`)."""

    def __init__(
        self,
        values: nn.Parameter,
        rate: Tensor,
        settings: Settings | None = None,
        shapes: Sequence[tuple[int, ...]] | None = None,
    ) -> None:
        super().__init__(Settings() if settings is None else settings)
        self.values = values
        self.rate = rate
        self.shapes = [(values.shape[1],)] if shapes is None else [tuple(shape) for shape in shapes]
        self.state: dict[str, Tensor] = {}

    @abstractmethod
    def step(self) -> None:
        """One update."""

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continues from another's `state`.  Raises ConfigurationError where that is of another kind."""
        if state.keys() != self.state.keys():
            raise ConfigurationError("the checkpoint was written by another version of this program.")
        for name, value in self.state.items():
            value.copy_(state[name])

    def matrices(self, flat: Tensor) -> list[Tensor | None]:
        """Views (K, fan_in, fan_out) of the weight matrices in a tensor (K, P); None for biases and other
        vectors."""
        pieces = flat.split([math.prod(shape) for shape in self.shapes], dim=1)
        return [
            piece.view(len(flat), *shape) if len(shape) == 2 and min(shape) > 1 else None
            for piece, shape in zip(pieces, self.shapes, strict=True)
        ]

    @property
    def _gradient(self) -> Tensor:
        assert self.values.grad is not None
        return self.values.grad


class Linearised(Protocol):
    """Residuals at some parameters, and their Jacobian there."""

    residuals: Tensor
    """(K, N), the loss of a replicate being the sum of their squares."""
    parameters: int
    """P."""
    function: tuple[Tensor, Tensor] | None
    """Where the loss is not that sum alone, it (K,) and half its gradient (K, P); JᵀJ is then a metric."""

    def normal(self) -> tuple[Tensor, Tensor]:
        """JᵀJ (K, P, P) and Jᵀr (K, P)."""

    def whole(self) -> Tensor:
        """J (K, N, P)."""

    def pulled(self, values: Tensor) -> Tensor:
        """Jᵀ c (K, P) of values c (K, N)."""


class Objective(Protocol):
    """K functions of P variables, each of its own replicate; float64."""

    def value(self, parameters: Tensor) -> Tensor:
        """The functions (K,) at parameters (K, P)."""

    def differentiated(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """The functions (K,) and their gradients (K, P), in tensors that nobody changes afterwards."""

    def residuals(self, parameters: Tensor) -> Tensor:
        """The residuals (K, N) whose squares the functions add up."""

    def linearised(self, parameters: Tensor) -> Linearised:
        """The same with their Jacobian."""


class Minimiser(Optimizer):
    """Lowers K functions, each by itself, which stay the same from one `renew` to the next.

    `advance` looks once at the functions, wherever each replicate wants to know its own.  `parameters` (K, P)
    and `values` are where each replicate is; it is `finished` after `most_iterations` steps or
    `most_evaluations` of its function, or where it gets no lower.  A replicate that finishes no lower than it
    started is put back.
    """

    least_squares: ClassVar[bool] = False
    """Whether it needs the residuals themselves (`Objective.linearised`), not their sum of squares alone."""
    remembers: ClassVar[bool] = True
    """Whether a step knows of the points that were drawn before the present ones."""

    def __init__(
        self,
        objective: Objective,
        start: Tensor,
        settings: Settings | None = None,
        *,
        iterations: float = math.inf,
        evaluations: float = math.inf,
    ) -> None:
        """start: (K, P)."""
        super().__init__(Settings() if settings is None else settings)
        replicates = len(start)
        self.objective = objective
        self.parameters = start.clone()
        self.most_iterations = iterations
        self.most_evaluations = evaluations
        self.values: list[float] = [math.nan] * replicates
        self.iterations = [0] * replicates
        self.evaluations = [1] * replicates
        self.finished = [False] * replicates
        self.moved: list[int] = list(range(replicates))
        """The replicates that took a step in the last `advance`, to where it looked at their functions."""
        self.reasons: list[str | None] = [None] * replicates
        """Why a replicate is lost, where it is."""

    @property
    def done(self) -> bool:
        """Every replicate is finished."""
        return all(self.finished)

    @abstractmethod
    def advance(self) -> None:
        """One look at the functions, which serves every replicate that is not finished."""

    @abstractmethod
    def renew(self) -> None:
        """Goes on where it is with functions that have become others; nobody is finished any more, but those
        lost."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """A copy that `restore` reads."""

    @abstractmethod
    def restore(self, state: Mapping[str, Any]) -> None:
        """Continues from `state`, in an object that is new, with the same bits."""

    def _begin(self, values: Tensor, finite: Tensor) -> None:
        """Takes the functions at the start: values (K,), and whether all that they gave was finite."""
        self.values = torch.where(finite, values, math.nan).tolist()
        self.finished = (~finite).tolist()
        for k, lost in enumerate(self.finished):
            if lost and self.reasons[k] is None:
                self.reasons[k] = "its loss or its gradient is not finite"
        self._start = (self.parameters.clone(), list(self.values))

    def _end(self, k: int) -> None:
        """Looks whether replicate k is finished, and that it is not the worse for it."""
        spent = self.iterations[k] >= self.most_iterations or self.evaluations[k] >= self.most_evaluations
        self.finished[k] = self.finished[k] or spent
        start, values = self._start
        if self.finished[k] and self.values[k] >= values[k]:
            self.parameters[k] = start[k]
            self.values[k] = values[k]

    def _common_state(self) -> dict[str, Any]:
        return {
            "parameters": self.parameters.cpu().clone(),
            "values": list(self.values),
            "iterations": list(self.iterations),
            "evaluations": list(self.evaluations),
            "finished": list(self.finished),
            "reasons": list(self.reasons),
            "start": (self._start[0].cpu().clone(), list(self._start[1])),
        }

    def _restore_common(self, state: Mapping[str, Any]) -> None:
        self.parameters.copy_(state["parameters"])
        self.values = list(state["values"])
        self.iterations = list(state["iterations"])
        self.evaluations = list(state["evaluations"])
        self.finished = list(state["finished"])
        self.reasons = list(state["reasons"])
        self._start = (state["start"][0].to(self.parameters), list(state["start"][1]))
