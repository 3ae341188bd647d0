"""A searcher and a scheduler of Ray Tune's for a study, made by name or by a function of the user's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from ray import tune
from ray.tune.schedulers import (
    HyperBandScheduler,
    PopulationBasedTraining,
    ResourceChangingScheduler,
    TrialScheduler,
    create_scheduler,
)
from ray.tune.search import Searcher, create_searcher

from dgm_core import ConfigurationError
from dgm_core.errors import unknown
from studies.study import Search
from studies.study.space import setting, shown_value
from studies.trials.trainable import SCORE, TIME

SEARCHERS = ("ax", "bayesopt", "bohb", "hebo", "hyperopt", "nevergrad", "optuna", "zoopt")
"""Names that Tune's `create_searcher` knows."""
SCHEDULERS = {"asha": "async_hyperband", "median": "median_stopping_rule", "fifo": "fifo"}
"""Name to that of Tune's `create_scheduler`."""
_REFUSED = {
    PopulationBasedTraining: "changes the settings of trials under way, so that none has settings of its own",
    HyperBandScheduler: "pauses trials until others are as far",
    ResourceChangingScheduler: "changes the resources of trials",
}
_MODE = "min"


@dataclass(frozen=True)
class Arrival:
    """A searcher and a scheduler of Tune's for a search, new ones each time that they are asked for.

    Raises ConfigurationError, when made, for names and kinds that are none, for a package that is missing and
    for an aim of their own.
    """

    study: Search
    tell: Callable[[str], None] = print
    """Is given a sentence about what is out of the ordinary."""

    def __post_init__(self) -> None:
        self.searcher()
        self.scheduler()

    def searcher(self) -> Searcher:
        """A searcher that knows the space, and no trial."""
        asked = "optuna" if self.study.searcher is None else self.study.searcher
        if isinstance(asked, str) and asked not in SEARCHERS:
            raise unknown("searcher", asked, SEARCHERS)
        make = partial(create_searcher, asked) if isinstance(asked, str) else asked
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        made = _made("searcher", asked, make, Searcher)
        space = {key: domain(distribution) for key, distribution in self.study.drawn.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            taken = made.set_search_properties(SCORE, _MODE, space)
        if not taken:
            raise ConfigurationError(
                f"the searcher {_named(asked)} sets a space, a metric or a mode: leave them out, "
                "the study sets them."
            )
        return made

    def scheduler(self) -> TrialScheduler:
        """A scheduler that has heard nothing."""
        study, asked = self.study, "asha" if self.study.scheduler is None else self.study.scheduler
        if isinstance(asked, str) and asked not in SCHEDULERS:
            raise unknown("scheduler", asked, SCHEDULERS)
        options = {
            "time_attr": TIME,
            "max_t": study.max_t,
            "grace_period": study.grace_period,
            "reduction_factor": study.reduction_factor,
        }
        make = partial(create_scheduler, SCHEDULERS[asked], **options) if isinstance(asked, str) else asked
        made = _made("scheduler", asked, make, TrialScheduler)
        for kind, reason in _REFUSED.items():
            if isinstance(made, kind):
                raise ConfigurationError(
                    f"the scheduler {_named(asked)} {reason}: use it in a plain Ray Tune script, with "
                    "studies.trainable (docs/ray-tune.md)."
                )
        if not made.set_search_properties(SCORE, _MODE):
            raise ConfigurationError(
                f"the scheduler {_named(asked)} sets a metric or a mode: leave them out, the study sets them."
            )
        return made

    def changes(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """What a searcher suggested, as settings."""
        space = self.study.space
        return {key: setting(space[key], _plain(value)) for key, value in config.items()}

    def config(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Settings as a searcher suggests them."""
        return {key: shown_value(self.study.space[key], value) for key, value in changes.items()}


def domain(distribution: BaseDistribution) -> Any:
    """One of Tune's domains for a distribution as samplers see it (`studies.study.space.shown`)."""
    if isinstance(distribution, CategoricalDistribution):
        return tune.choice(list(distribution.choices))
    if isinstance(distribution, IntDistribution):
        low, high = distribution.low, distribution.high + 1
        if distribution.log:
            return tune.lograndint(low, high)
        if distribution.step != 1:
            return tune.qrandint(low, high - 1, distribution.step)  # with its upper end
        return tune.randint(low, high)
    assert isinstance(distribution, FloatDistribution)
    ends = distribution.low, distribution.high
    if distribution.log:
        return tune.loguniform(*ends)
    return tune.uniform(*ends) if distribution.step is None else tune.quniform(*ends, distribution.step)


def _made(kind: str, asked: Any, make: Callable[[], Any], root: type[Any]) -> Any:
    """What a function or a name gives.  Raises ConfigurationError."""
    try:
        made = make()
    except Exception as error:  # an assertion, where a package is missing
        cause = " ".join(str(error).split()) or type(error).__name__
        raise ConfigurationError(f"the {kind} {_named(asked)} cannot be created: {cause}") from None
    if not isinstance(made, root):
        raise ConfigurationError(
            f"the {kind} {_named(asked)} returned a {type(made).__name__}: it must return a Ray Tune {kind}."
        )
    return made


def _named(asked: Any) -> str:
    return repr(asked if isinstance(asked, str) else getattr(asked, "__name__", "function"))


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
