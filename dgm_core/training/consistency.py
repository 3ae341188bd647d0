"""Which settings of a training contradict each other, in sentences."""

from __future__ import annotations

from typing import Any

from dgm_core.errors import ConfigurationError
from dgm_core.networks import NETWORKS
from dgm_core.training.balancing import BALANCINGS
from dgm_core.training.optimizers import OPTIMIZERS, Minimiser
from dgm_core.training.optimizers.refusals import check_optimizers


def check_consistent(config: Any) -> None:
    """Refuses settings that contradict each other.  Raises ConfigurationError."""
    _check_network(config)
    _check_schedule(config)
    check_optimizers(config)
    _check_balancing(config)
    if config.windows > config.iterations:
        raise ConfigurationError(
            f"windows = {config.windows} is not allowed: each window needs an iteration, "
            f"and there {'is' if config.iterations == 1 else 'are'} {config.iterations:,}."
        )


def _check_network(config: Any) -> None:
    NETWORKS.get(config.network).settings_from(config.network_settings)
    allowed = NETWORKS.get(config.network).batch_norms
    if config.batch_norm not in allowed:
        raise ConfigurationError(
            f"batch_norm = {config.batch_norm!r} is not allowed with network {config.network!r}: "
            f"it must be one of {', '.join(allowed)}."
        )
    if config.batch_norm != "none" and config.batch_size == 1:
        raise ConfigurationError(
            f"batch_size = 1 is not allowed with batch_norm = {config.batch_norm!r}: "
            "one point has no variance; it must be 2 or greater."
        )


def _check_schedule(config: Any) -> None:
    if config.milestones and config.schedule != "step":
        raise ConfigurationError(
            f"milestones = {list(config.milestones)} is not allowed with schedule {config.schedule!r}: "
            "only 'step' has milestones."
        )
    if config.schedule == "step" and not config.milestones:
        raise ConfigurationError("schedule 'step' needs milestones, the iterations at which it steps.")
    if config.schedule in ("step", "exponential") and config.decay == 0:
        raise ConfigurationError(
            f"decay = 0 is not allowed with schedule {config.schedule!r}: the learning rate would be 0."
        )
    last = config.iterations // config.windows - 1
    for milestone in config.milestones:
        if not 1 <= milestone <= last:
            of = "of a window" if config.windows > 1 else "of the training"
            raise ConfigurationError(
                f"milestones = {list(config.milestones)} is not allowed: {milestone} is not between 1 and "
                f"{last}, the iterations {of} at which the learning rate can still step."
            )


def _check_balancing(config: Any) -> None:
    if config.balancing == "none":
        return
    start = f"balancing = {config.balancing!r} is not allowed with"
    if issubclass(OPTIMIZERS.get(config.optimizer), Minimiser):
        raise ConfigurationError(
            f"{start} optimizer {config.optimizer!r}, which compares losses of the same weights."
        )
    kind = BALANCINGS.get(config.balancing)
    if kind.of_points and config.resolved_redraw != 0:
        raise ConfigurationError(
            f"{start} redraw_every = {config.resolved_redraw}: its weights belong to points that stay; "
            "redraw_every must be 0."
        )
    if kind.of_points and config.causality:
        raise ConfigurationError(f"{start} causality = {config.causality}: both weigh points.")
