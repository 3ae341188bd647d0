"""Which schedulers of Ray Tune's can train a population in a study, and which settings they change."""

from __future__ import annotations

from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from ray import tune
from ray.tune.schedulers import PopulationBasedTraining, TrialScheduler, create_scheduler

from dgm_core import ConfigurationError
from dgm_core.errors import unknown
from dgm_core.training.adjusting import ADJUSTABLE
from studies.study import Search
from studies.study.space import PowersOfTwo, corners
from studies.trials.trainable import TIME
from studies.tune.private.population import POPULATION, Population


def mutable(study: Search) -> list[str]:
    """The searched settings that can change in the midst of a training."""
    return [key for key in study.space if key.partition(".")[0] in ADJUSTABLE]


def population_scheduler(study: Search, name: str) -> TrialScheduler:
    """One of `studies.tune.offered.POPULATIONS` that changes all that can change in a study's space.

    Raises ConfigurationError where nothing can, and for PB2 where a setting is no number.
    """
    options: dict[str, Any] = {"time_attr": TIME, "perturbation_interval": study.grace_period}
    keys = mutable(study)
    if not keys:
        raise ConfigurationError(
            f"the scheduler {name!r} has nothing to change in {study.name}: its space has none of "
            f"{', '.join(ADJUSTABLE)}."
        )
    if name == "pbt":
        mutations = {key: _mutation(study.space[key]) for key in keys}
        return create_scheduler("pbt", hyperparam_mutations=mutations, **options)
    bounds = {key: corners(study.space[key]) for key in keys}
    for key in keys:
        if isinstance(study.space[key], CategoricalDistribution):
            raise ConfigurationError(
                f"the scheduler 'pb2' models numbers: {key} of {study.name} is a choice; use 'pbt'."
            )
    return create_scheduler("pb2", hyperparam_bounds=bounds, **options)


def check_population(study: Search, scheduler: PopulationBasedTraining) -> None:
    """Refuses what a population cannot be asked.  Raises ConfigurationError."""
    name = type(scheduler).__name__
    if not POPULATION.usable:
        raise ConfigurationError(
            f"{name} is not allowed in a study with this version of Ray: use it in a plain Ray Tune script, "
            "with studies.trainable (docs/ray-tune.md)."
        )
    if study.searcher is not None:
        raise ConfigurationError(
            f"searcher of {study.name} is not allowed with {name}, which takes none of Ray Tune's: its first "
            "settings are drawn at random."
        )
    if study.explain:
        raise ConfigurationError(
            f"explain of {study.name} is not allowed with {name}: the winner's settings change on its way, "
            "and no order of single settings leads to them."
        )
    known = study.base.keys()
    mutated = Population(scheduler, 0).add("", {})  # it fills in what it changes
    for key in mutated:
        if key not in known:
            raise unknown(f"setting that {name} changes", key, known)
        if key.partition(".")[0] not in ADJUSTABLE:
            raise ConfigurationError(
                f"{key} cannot change in the midst of a training, as {name} asks: only "
                f"{', '.join(ADJUSTABLE)} can."
            )
        if key not in study.space:
            raise ConfigurationError(
                f"{name} changes {key}, which is not in the space of {study.name}: add it, and within which "
                "limits."
            )
    choices = corners(study.space["optimizer"]) if "optimizer" in study.space else [None]
    for choice in choices:
        setup = study.base if choice is None else study.base.changed({"optimizer": choice})
        if setup.config.descends:
            raise ConfigurationError(
                f"{name} is not allowed with the optimizer {setup.config.optimizer!r}: it descends on one "
                "loss, of which nothing can change in the midst of a training."
            )


def _mutation(distribution: Any) -> Any:
    """What PBT draws from: a list where neighbours are meant, a domain of Tune's otherwise."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    if isinstance(distribution, PowersOfTwo):
        exponents = range(distribution.low.bit_length() - 1, distribution.high.bit_length())
        return [1 << exponent for exponent in exponents]
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    if isinstance(distribution, IntDistribution):
        draw = tune.lograndint if distribution.log else tune.randint
        return draw(distribution.low, distribution.high + 1)
    scale = tune.loguniform if distribution.log else tune.uniform
    return scale(distribution.low, distribution.high)
