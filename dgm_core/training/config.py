"""What is trained and how: frozen, validated, and changed only by making a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dgm_core.errors import ConfigurationError, explain, unknown
from dgm_core.training.choices import CHOICES, choices
from dgm_core.training.consistency import check_consistent
from dgm_core.training.optimizers import OPTIMIZERS, Minimiser
from dgm_core.training.optimizers.refusals import NO_POLISH


class TrainConfig(BaseModel):
    """The settings of one training; the defaults are the paper's for the heat equation, but for the
    gain of the initial weights, which follows the activation."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    network: str = "mlp"
    """The architecture.  Start with "mlp"; "dgm" has gates that see the inputs in every layer, and four
    times the weights of one; "resnet" is for many layers."""
    network_settings: dict[str, Any] = Field(default_factory=dict)
    """Settings that only this network has, by name.  `network.KEY` sets one and keeps the others, in `--set`,
    in a space and in an arm: `network.widths` of an "mlp", for example."""
    depth: int = Field(default=3, ge=1, le=64, strict=True)
    """Hidden layers, or blocks of a "resnet".  Three to five serve most problems; raise it if the error stops
    falling and more width does not help."""
    width: int = Field(default=32, ge=1, le=4096, strict=True)
    """Units of each layer.  Raise it if the solution has detail that the trained field lacks."""
    activation: str = "tanh"
    """The function of every layer.  "sin" suits waves.  "relu" and "leaky_relu" have no second derivative, so
    second-order terms vanish from the residual."""
    batch_norm: str = "none"
    """Normalises each layer over the batch, "before" or "after" its activation.  It couples the points of a
    batch, which harms residuals: leave it off unless that is your question."""
    dropout: float = Field(default=0.0, ge=0, lt=1, strict=True)
    """Share of units dropped in training.  It adds noise to every derivative: for ablations."""
    activation_slope: float | None = Field(default=None, ge=1, strict=True)
    """n in activations σ(n a x) with a trained slope a for each layer; null has no slopes.  From 1 to 10: the
    larger n, the faster slopes change.  Source: Jagtap, Kawaguchi and Karniadakis (2020)."""
    weight_factorisation: float | None = Field(default=None, ge=-5, le=5, strict=True)
    """Mean logarithm of a trained factor on each unit's weights; null has no factor.  Try 0.5 or 1 if the
    loss falls slowly at any learning rate.  Source: Wang, Wang, Seidman and Perdikaris (2022)."""
    embedding: str = "none"
    """What the network sees instead of its inputs: "fourier" gives it high frequencies from the start."""
    embedding_features: int = Field(default=32, ge=1, le=4096, strict=True)
    """Random frequencies of the embedding; the network has twice as many inputs."""
    embedding_scale: float = Field(default=1.0, gt=0, strict=True)
    """Standard deviation of these frequencies.  Choose about the frequency of the solution in scaled inputs;
    with too large a scale the network oscillates between the points."""
    initialisation: str | None = None
    """Distribution of the initial weights; null is the activation's default."""
    last_layer: str = "random"
    """Initial weights of the last layer: random, or "least-squares" on the residuals, linearised once.  That
    is cheap, and a better start for a linear equation.  Source: Wang et al. (2024), PirateNets."""
    gain: float | None = Field(default=None, gt=0, strict=True)
    """Factor on the spread of the initial weights; null is the activation's default.  Raise it to 1.5 or 2
    for steep or oscillating solutions, which small weights are slow to find."""
    input_scaling: str = "none"
    """"unit" maps each axis to [−1, 1].  Use it wherever an axis is long or short; the defaults of your own
    problems do.  Source: LeCun et al. (1998), section 4.3."""
    output_scaling: str = "none"
    """"unit" measures each output in units of half its range.  Use it wherever values are far from one:
    kelvins, pascals, species of very different size."""
    term_scaling: str = "none"
    """"unit" divides each component of a residual by its size for a wrong field.  Use it wherever terms have
    different units; `loss_weights` multiply the result."""
    hard_conditions: bool = Field(default=False, strict=True)
    """Whether an output transform satisfies the problem's `hard_terms`, which then add no loss.  Try it
    early: equation and conditions then need not be balanced.  Source: Lagaris et al. (1998)."""

    harmonics: int = Field(default=1, ge=1, le=64, strict=True)
    """Number of harmonics of a periodic axis that the network gets as inputs under `hard_conditions`.  Raise
    it if the solution has waves much shorter than the period.  Source: Dong and Ni (2021)."""

    corner_functions: int = Field(default=0, ge=0, le=8, strict=True)
    """Singular functions that the network sees beside its inputs, for each corner of a polygon that turns
    inwards; 0 is none.  Try 1: a gradient is infinite there.  Source: Hu, Jin and Zhou (2024)."""

    batch_size: int = Field(default=64, ge=1, le=1_000_000, strict=True)
    """Collocation points of each term in each step.  With more points a step is less noisy and more
    expensive."""
    iterations: int = Field(default=15_000, ge=1, le=100_000_000, strict=True)
    """Optimizer steps, over all windows together."""
    windows: int = Field(default=1, ge=1, le=1000, strict=True)
    """Time windows solved one after another; the iterations are split evenly over them.  For solutions over
    many time scales: systems in time alone, and evolution equations on a box of one or two axes."""
    sampler: str = "uniform"
    """How collocation points are drawn.  "sobol" and "stratified" spread a small batch more evenly."""
    redraw_every: int | None = Field(default=None, ge=0, le=100_000_000, strict=True)
    """Steps on the same points before new ones are drawn; 0 never draws new ones.  Null is 1, or 0 with an
    optimizer that works on fixed points."""
    adaptation: str = "none"
    """How the residual influences which points are drawn (see `Points`).  For solutions with a front or a
    layer that few uniform points hit.  Source: Wu et al. (2023); Daw et al. (2023)."""
    precision: str | None = None
    """"float32" or "float64"; null is float32, or float64 with an optimizer that works on fixed points.
    Choose float64 for relative errors below 1e-5."""
    optimizer: str = "adam"
    """The optimizer.  Those that work on fixed points need more time for each step and reach lower losses."""
    learning_rate: float = Field(default=1e-4, gt=0, strict=True)
    """Size of a step at the start.  The first setting to change, by factors of three."""
    weight_decay: float | None = Field(default=None, ge=0, strict=True)
    """Decay of the weights, decoupled from the gradient; null is the optimizer's default.  Source: Loshchilov
    and Hutter (2019)."""
    beta1: float | None = Field(default=None, ge=0, lt=1, strict=True)
    """Decay of the running mean of the gradient; null is the optimizer's default."""
    beta2: float | None = Field(default=None, ge=0, lt=1, strict=True)
    """Decay of the running mean of the squared gradient; null is the optimizer's default."""
    momentum: float | None = Field(default=None, ge=0, lt=1, strict=True)
    """Momentum, for optimizers that have one; null is the optimizer's default."""
    damping: float | None = Field(default=None, gt=0, strict=True)
    """Initial λ of a Gauss–Newton method, in units of the loss; null is the optimizer's default."""
    schedule: str = "constant"
    """How the learning rate falls.  "cosine" with a high rate is a good first choice; "cooldown" keeps
    the rate and lets it fall over the last fifth."""
    milestones: tuple[int, ...] = ()
    """Iterations at which the schedule "step" multiplies the rate by `decay`."""
    decay: float = Field(default=0.0, ge=0, le=1, strict=True)
    """Factor on the learning rate: at each milestone ("step"), or reached at the end ("exponential",
    "cosine", "cooldown")."""
    clip_norm: float | None = Field(default=None, gt=0, strict=True)
    """Gradients of a replicate with a larger 2-norm are scaled down to it; null does not clip.  For losses
    that jump or diverge."""
    formulation: str = "residual"
    """What is minimised: the squared "residual" of the equation, or the problem's "energy" where it has one.
    An energy needs lower derivatives, and many points, as it is an integral.  Source: E and Yu (2018)."""
    loss_weights: dict[str, float] = Field(default_factory=dict)
    """Weight of each term of the loss, by the term's name; 1 if not given.  Raise a condition's to 10 or 100
    if the equation is satisfied and the condition is not.  `loss_weights.TERM` sets one and keeps the others,
    in `--set`, in a space and in an arm."""
    balancing: str = "none"
    """How weights adapt during the training, on top of `loss_weights`: by the norms of the terms' gradients,
    by the neural tangent kernel, or for each point by its residual.  For losses of equation and conditions
    that fall at very different rates."""
    balance_every: int = Field(default=100, ge=1, le=100_000_000, strict=True)
    """Iterations between updates of the adaptive weights."""
    balance_decay: float = Field(default=0.9, ge=0, lt=1, strict=True)
    """Share of the old weights that an update keeps."""
    causality: float = Field(default=0.0, ge=0, strict=True)
    """ε of the causal weights over time; 0 gives all times equal weight.  For evolution equations whose error
    grows along time.  Source: Wang, Sankaran and Perdikaris (2022)."""
    l1: float = Field(default=0.0, ge=0, strict=True)
    """Factor of the penalty Σ|w| on weights, not biases."""
    l2: float = Field(default=0.0, ge=0, strict=True)
    """Factor of the penalty Σw² on weights, not biases."""
    averaging: float = Field(default=0.0, ge=0, lt=1, strict=True)
    """Decay of a moving average of the weights, which is then evaluated; 0 evaluates the last weights. 0.99
    removes the noise of a learning rate that is still high."""
    polish_iterations: int = Field(default=0, ge=0, le=1_000_000, strict=True)
    """Most steps of the polish, after the last optimizer step (of each window).  The surest way to lower an
    error that has stopped falling: try 500."""
    polish: str = "lbfgs"
    """The optimizer of the polish: one that works on fixed points, or "none", which sets `polish_iterations`
    to 0."""
    polish_points: int = Field(default=1000, ge=2, le=1_000_000, strict=True)
    """Collocation points of each term in the polish.  Raise it if the polish lowers the loss but not the
    error."""
    polish_redraw_every: int = Field(default=0, ge=0, le=1_000_000, strict=True)
    """Evaluations of the loss on the same points in the polish; 0 never draws new ones."""

    @field_validator(*CHOICES)
    @classmethod
    def _known(cls, value: str | None, info: Any) -> str | None:
        allowed = choices(info.field_name)
        if value is not None and value not in allowed:
            raise unknown(info.field_name, value, allowed)
        return value

    @model_validator(mode="before")
    @classmethod
    def _without_polish(cls, values: Any) -> Any:
        none = isinstance(values, Mapping) and values.get("polish") == NO_POLISH
        return {**values, "polish_iterations": 0} if none else values

    @field_validator("loss_weights")
    @classmethod
    def _weights(cls, value: dict[str, float]) -> dict[str, float]:
        for term, weight in value.items():
            if weight < 0:
                raise ConfigurationError(
                    f"loss_weights.{term} = {weight} is not allowed: it must be 0 or greater."
                )
        return value

    @model_validator(mode="after")
    def _consistent(self) -> TrainConfig:
        check_consistent(self)
        return self

    @property
    def descends(self) -> bool:
        """Whether the optimizer lowers the loss on points that stay the same, in place of single steps."""
        return issubclass(OPTIMIZERS.get(self.optimizer), Minimiser)

    @property
    def resolved_precision(self) -> str:
        """The `precision`, or the optimizer's own."""
        return self.precision or ("float64" if self.descends else "float32")

    @property
    def resolved_redraw(self) -> int:
        """`redraw_every`, or the optimizer's own."""
        default = 0 if self.descends else 1
        return default if self.redraw_every is None else self.redraw_every

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
