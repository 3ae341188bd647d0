"""What a configuration, or a configuration with its problem, may not ask for; one sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dgm_core.errors import ConfigurationError, unknown
from dgm_core.networks import NETWORKS

if TYPE_CHECKING:
    from dgm_core.problems import Problem
    from dgm_core.training.config import TrainConfig

TIME = "t"
"""Name of the axis that time windows and causal weights follow; the last one where there is one."""


def check_config(config: TrainConfig) -> None:
    """Refuses settings that contradict each other.  Raises ConfigurationError."""
    _check_network(config)
    _check_schedule(config)
    if config.weight_decay is not None and config.optimizer != "adamw":
        raise ConfigurationError(
            f"weight_decay = {config.weight_decay} is not allowed with optimizer {config.optimizer!r}: "
            "only 'adamw' decays weights (the penalty of any optimizer is l2)."
        )
    if config.windows > config.iterations:
        raise ConfigurationError(
            f"windows = {config.windows} is not allowed: each window needs one of the "
            f"{config.iterations} iterations."
        )


def _check_network(config: TrainConfig) -> None:
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


def _check_schedule(config: TrainConfig) -> None:
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


def check(problem: Problem, config: TrainConfig) -> None:
    """Refuses a configuration that does not fit its problem.  Raises ConfigurationError."""
    terms = problem.terms
    for term in config.loss_weights:
        if term not in terms:
            raise unknown(f"loss term of {problem.name}", term, terms)
    if config.hard_conditions and not problem.hard_terms:
        raise ConfigurationError(
            f"hard_conditions = true is not allowed: {problem.name} has no output transform that "
            "satisfies its conditions."
        )
    hard = problem.hard_terms if config.hard_conditions else ()
    for term in hard:
        if term in config.loss_weights:
            raise ConfigurationError(
                f"loss_weights of {term!r} is not allowed with hard_conditions: "
                "that term is satisfied whatever the weights and adds no loss."
            )
    if all(config.loss_weights.get(term, 1.0) == 0 for term in terms if term not in hard):
        raise ConfigurationError("loss_weights are not allowed to be all zero: nothing would be minimised.")
    time = problem.inputs[-1]
    if config.causality and time.name != TIME:
        raise ConfigurationError(
            f"causality = {config.causality} is not allowed: {problem.name} has no time axis."
        )
    if config.windows > 1:
        if time.name != TIME:
            raise ConfigurationError(
                f"windows = {config.windows} is not allowed: {problem.name} has no time axis."
            )
        problem.window(time.lower, time.upper, None)  # refuses where the problem has no windows
