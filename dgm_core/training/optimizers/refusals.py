"""Which settings an optimizer cannot be combined with, in sentences."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from dgm_core.errors import ConfigurationError
from dgm_core.training.optimizers import OPTIMIZERS, Minimiser, Settings

NO_POLISH = "none"
"""In place of the name of an optimizer."""


def check_optimizers(config: Any) -> None:
    """Refuses what the optimizer, or that of the polish, cannot do.  Raises ConfigurationError."""
    polish = None if config.polish == NO_POLISH else OPTIMIZERS.get(config.polish)
    if polish is not None and not issubclass(polish, Minimiser):
        allowed = [name for name in OPTIMIZERS if issubclass(OPTIMIZERS.get(name), Minimiser)]
        raise ConfigurationError(
            f"polish = {config.polish!r} is not allowed: a polish needs an optimizer for fixed points; "
            f"it must be one of {', '.join([*allowed, NO_POLISH])}."
        )
    optimizer = OPTIMIZERS.get(config.optimizer)
    used = {
        *optimizer.defaults,
        *(polish.defaults if polish is not None and config.polish_iterations else ()),
    }
    for field in fields(Settings):
        value = getattr(config, field.name)
        if value is not None and field.name not in used:
            having = [name for name in OPTIMIZERS if field.name in OPTIMIZERS.get(name).defaults]
            also = " (the penalty of any optimizer is l2)" if field.name == "weight_decay" else ""
            raise ConfigurationError(
                f"{field.name} = {value} is not allowed with optimizer {config.optimizer!r}: "
                f"of the optimizers {', '.join(having)} read it{also}."
            )
    if issubclass(optimizer, Minimiser):
        _check_descent(config)
    if optimizer_needs_residuals(config.optimizer) or (
        config.polish_iterations and optimizer_needs_residuals(config.polish)
    ):
        _check_squares(config)
    if config.adaptation != "none":
        _check_adaptation(config)


def optimizer_needs_residuals(name: str) -> bool:
    """Whether an optimizer minimises a sum of squares, not any loss."""
    kind = OPTIMIZERS.get(name)
    return issubclass(kind, Minimiser) and kind.least_squares


def _check_descent(config: Any) -> None:
    by = f"optimizer {config.optimizer!r}, which compares losses at the same points and weights"
    refused = {
        "batch_norm": config.batch_norm != "none",
        "dropout": config.dropout > 0,
        "causality": config.causality > 0,
        "averaging": config.averaging > 0,
        "clip_norm": config.clip_norm is not None,
        "schedule": config.schedule != "constant",
    }
    for key, there in refused.items():
        if there:
            raise ConfigurationError(f"{key} = {getattr(config, key)!r} is not allowed with {by}.")
    if config.resolved_precision != "float64":
        raise ConfigurationError(
            f"precision = {config.precision!r} is not allowed with optimizer {config.optimizer!r}: "
            "it compares losses whose differences are lost in the rounding of float32."
        )


def _check_squares(config: Any) -> None:
    name = config.optimizer if optimizer_needs_residuals(config.optimizer) else config.polish
    for key in ("l1", "l2"):
        if getattr(config, key):
            raise ConfigurationError(
                f"{key} = {getattr(config, key)} is not allowed with {name!r}, which minimises squared "
                "residuals and nothing else; 'lbfgs' and 'ssbroyden' take penalties."
            )


def _check_adaptation(config: Any) -> None:
    if config.resolved_redraw == 0:
        raise ConfigurationError(
            f"adaptation = {config.adaptation!r} is not allowed with points that stay the same: "
            "redraw_every must be 1 or greater."
        )
    for key, there in {"batch_norm": config.batch_norm != "none", "dropout": config.dropout > 0}.items():
        if there:
            raise ConfigurationError(
                f"adaptation = {config.adaptation!r} is not allowed with {key} = {getattr(config, key)!r}: "
                "the residual at a point must not depend on the other points or on chance."
            )
