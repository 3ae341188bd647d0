"""What is trained and how: frozen, validated, and changed only by making a new one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dgm_core.errors import ConfigurationError, explain, unknown
from dgm_core.networks import ACTIVATIONS, BATCH_NORMS, INITIALISATIONS, NETWORKS
from dgm_core.problems import Problem, load_problem
from dgm_core.training.optimizers import OPTIMIZERS
from dgm_core.training.rules import check, check_config
from dgm_core.training.samplers import SAMPLERS
from dgm_core.training.scaling import INPUT_SCALINGS
from dgm_core.training.schedules import SCHEDULES

PROBLEM_PREFIX = "problem."


class TrainConfig(BaseModel):
    """The settings of one training; the defaults are the paper's for the heat equation, but for the
    gain of the initial weights, which follows the activation.

    Sizes are counts, `iterations` optimizer steps; `clip_norm` bounds the 2-norm of each replicate's
    gradient.  `decay` is the factor on the learning rate: at each of the `milestones` (schedule
    "step"), or at the last iteration ("exponential", "cosine").
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    network: str = "mlp"
    depth: int = Field(default=3, ge=1, le=64, strict=True)
    width: int = Field(default=32, ge=1, le=4096, strict=True)
    activation: str = "tanh"
    batch_norm: str = "none"
    dropout: float = Field(default=0.0, ge=0, lt=1, strict=True)
    initialisation: str | None = None
    gain: float | None = Field(default=None, gt=0, strict=True)
    input_scaling: str = "none"
    hard_conditions: bool = Field(default=False, strict=True)
    """Whether an output transform satisfies the problem's `hard_terms`, which then cost nothing."""

    batch_size: int = Field(default=64, ge=1, le=1_000_000, strict=True)
    iterations: int = Field(default=15_000, ge=1, le=100_000_000, strict=True)
    windows: int = Field(default=1, ge=1, le=1000, strict=True)
    """Time windows solved in succession; the iterations are split evenly over them."""
    sampler: str = "uniform"
    optimizer: str = "adam"
    learning_rate: float = Field(default=1e-4, gt=0, strict=True)
    weight_decay: float | None = Field(default=None, ge=0, strict=True)
    """Of "adamw", decoupled from the gradient (Loshchilov and Hutter 2019); null is torch's 0.01."""
    schedule: str = "constant"
    milestones: tuple[int, ...] = ()
    decay: float = Field(default=0.0, ge=0, le=1, strict=True)
    clip_norm: float | None = Field(default=None, gt=0, strict=True)
    loss_weights: dict[str, float] = Field(default_factory=dict)
    causality: float = Field(default=0.0, ge=0, strict=True)
    """ε of the causal weights over time; 0 weighs all times alike."""
    l1: float = Field(default=0.0, ge=0, strict=True)
    l2: float = Field(default=0.0, ge=0, strict=True)
    """Factors of the penalties Σ|w| and Σw² on weights (not biases)."""
    averaging: float = Field(default=0.0, ge=0, lt=1, strict=True)
    """Decay of the moving average of the weights that is evaluated; 0 evaluates the last weights."""
    polish_iterations: int = Field(default=0, ge=0, le=1_000_000, strict=True)
    """L-BFGS iterations, at most, after the last optimizer step (of each window)."""
    polish_points: int = Field(default=1000, ge=2, le=1_000_000, strict=True)
    """Points of each term in the polish."""

    @field_validator(
        "network",
        "activation",
        "batch_norm",
        "initialisation",
        "input_scaling",
        "sampler",
        "optimizer",
        "schedule",
    )
    @classmethod
    def _known(cls, value: str | None, info: Any) -> str | None:
        names: dict[str, Iterable[str]] = {
            "network": NETWORKS,
            "activation": ACTIVATIONS,
            "batch_norm": BATCH_NORMS,
            "initialisation": INITIALISATIONS,
            "input_scaling": INPUT_SCALINGS,
            "sampler": SAMPLERS,
            "optimizer": OPTIMIZERS,
            "schedule": SCHEDULES,
        }
        allowed = list(names[info.field_name])
        if value is not None and value not in allowed:
            raise unknown(info.field_name, value, allowed)
        return value

    @field_validator("loss_weights")
    @classmethod
    def _weights(cls, value: dict[str, float]) -> dict[str, float]:
        for term, weight in value.items():
            if weight < 0:
                raise ConfigurationError(f"the loss weight of {term!r} is {weight}; it must be 0 or greater.")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> TrainConfig:
        check_config(self)
        return self

    @classmethod
    def create(cls, values: Mapping[str, Any]) -> TrainConfig:
        """The configuration with the given values.  Raises ConfigurationError in one sentence."""
        try:
            return cls(**values)
        except ValidationError as error:
            raise explain(error, cls.model_fields) from None

    def changed(self, changes: Mapping[str, Any]) -> TrainConfig:
        """A copy with some values replaced, validated again."""
        return self.create({**self.model_dump(), **changes})


@dataclass(frozen=True)
class Setup:
    """One problem and one configuration to train it with; what an arm or a trial resolves to.

    Keys of the problem's own parameters carry the prefix "problem.": `problem.diffusivity`.
    """

    problem: Problem
    config: TrainConfig

    def __post_init__(self) -> None:
        check(self.problem, self.config)

    def changed(self, changes: Mapping[str, Any]) -> Setup:
        """A copy with some keys of the configuration or of the problem replaced."""
        own = {k.removeprefix(PROBLEM_PREFIX): v for k, v in changes.items() if k.startswith(PROBLEM_PREFIX)}
        rest = {k: v for k, v in changes.items() if not k.startswith(PROBLEM_PREFIX)}
        problem = self.problem
        if own:
            problem = type(problem).create({**problem.parameters(), **own})
        return Setup(problem, self.config.changed(rest) if rest else self.config)

    def shortened(self, iterations: int) -> Setup:
        """A copy of another length, its milestones moved in proportion.

        One too short to step its learning rate keeps it constant.
        """
        changes: dict[str, Any] = {"iterations": iterations}
        if self.config.milestones:
            share, last = iterations / self.config.iterations, iterations // self.config.windows - 1
            if last >= 1:
                moved = (round(milestone * share) for milestone in self.config.milestones)
                changes["milestones"] = tuple(min(last, max(1, milestone)) for milestone in moved)
            else:
                changes |= {"milestones": (), "schedule": "constant"}
        return self.changed(changes)

    def flat(self) -> dict[str, Any]:
        """All keys and values in one level, problem parameters under their prefix."""
        own = {PROBLEM_PREFIX + key: value for key, value in self.problem.parameters().items()}
        return {**own, **self.config.model_dump(mode="json")}

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` reads."""
        return {
            "problem": self.problem.name,
            "parameters": self.problem.parameters(),
            "config": self.config.model_dump(mode="json"),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Setup:
        """The inverse of `to_dict`."""
        problem = load_problem(values["problem"], values["parameters"])
        return cls(problem, TrainConfig.create(values["config"]))

    @classmethod
    def named(cls, problem: Problem, settings: str = "paper") -> Setup:
        """The problem with its settings of the given name ("paper", "tuned")."""
        if settings not in problem.settings:
            raise unknown(f"settings of {problem.name}", settings, problem.settings)
        values = problem.settings[settings]
        config = {key: value for key, value in values.items() if not key.startswith(PROBLEM_PREFIX)}
        own = {key: value for key, value in values.items() if key not in config}
        return cls(problem, TrainConfig.create(config)).changed(own)
