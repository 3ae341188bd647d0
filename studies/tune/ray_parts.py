"""A searcher and a scheduler of Ray Tune's for a study, made by name or by a function of the user's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from ray import tune
from ray.tune.schedulers import (
    HyperBandForBOHB,
    HyperBandScheduler,
    PopulationBasedTraining,
    PopulationBasedTrainingReplay,
    ResourceChangingScheduler,
    TrialScheduler,
    create_scheduler,
)
from ray.tune.search import ConcurrencyLimiter, Searcher, create_searcher
from ray.tune.search.bohb import TuneBOHB

from dgm_core import ConfigurationError
from dgm_core.errors import unknown
from studies.records.events import Metrics
from studies.stopping import Finite
from studies.study import Search
from studies.study.space import corners, setting, shown_value
from studies.trials.trainable import SCORE, TIME
from studies.tune.offered import POPULATIONS, SCHEDULERS, SEARCHERS
from studies.tune.populations import check_population, population_scheduler
from studies.tune.private.population import Population
from studies.tune.private.stand_in import PAUSING

_OF_TUNE = {"asha": "async_hyperband", "bohb": "hb_bohb", "median": "median_stopping_rule"}
"""Names of Tune's `create_scheduler` that are not ours."""
_IN_BRACKETS = ("hyperband", "bohb")
"""Count reports: brackets of single iterations would be too many for any search to fill."""
_REFUSED = {
    PopulationBasedTrainingReplay: "trains one trial by the schedule of another",
    ResourceChangingScheduler: "changes the resources of trials",
}
_MODE = "min"
_RAYS_OWN = "ray.tune.schedulers."


@dataclass(frozen=True)
class Arrival:
    """A searcher and a scheduler of Tune's for a search, new ones each time that they are asked for.

    Raises ConfigurationError, when made, for names and kinds that are none, for a package that is missing and
    for an aim of their own.
    """

    study: Search
    tell: Callable[[str], None] = print
    """Is given a sentence about what is out of the ordinary."""
    seed: int = 0
    """Of a searcher that is asked for by name, so that it suggests the same when it is made again."""
    population: bool = field(init=False, default=False)
    """Whether the scheduler changes the settings of trials as they train, by what it sees of all of them."""

    def __post_init__(self) -> None:
        made = self.scheduler()
        self._check_pausing(made)
        object.__setattr__(self, "population", isinstance(made, PopulationBasedTraining))
        if self.population:
            check_population(self.study, made)
        else:
            self._check_bohb(made, self.searcher())
        self._check_time()

    @property
    def rays_own(self) -> bool:
        """Whether the scheduler is Ray's as it is, and not of a class of the user's."""
        return type(self.scheduler()).__module__.startswith(_RAYS_OWN)

    def _check_pausing(self, scheduler: TrialScheduler) -> None:
        if isinstance(scheduler, HyperBandScheduler) and not PAUSING.usable:
            raise ConfigurationError(
                f"the scheduler {_named(self.study.scheduler)} is not allowed in a study with this version "
                "of Ray: use it in a plain Ray Tune script, with studies.trainable (docs/ray-tune.md)."
            )

    def _check_bohb(self, scheduler: TrialScheduler, searcher: Searcher) -> None:
        if isinstance(innermost(searcher), TuneBOHB) and not isinstance(scheduler, HyperBandForBOHB):
            raise ConfigurationError(
                f"the searcher {_named(self.study.searcher)} learns from HyperBandForBOHB alone: add "
                "scheduler='bohb'."
            )

    def _check_time(self) -> None:
        """Refuses a scheduler that counts by what trials do not report: most pass over such reports silently.

        Raises ConfigurationError.
        """
        made = self.scheduler()
        if not self.rays_own:
            return  # what another looks for may be optional
        row = _Asked({TIME: 1, "training_iteration": 1, SCORE: 1.0, "loss": 1.0})
        row["time_total_s"] = 1.0
        trials = Population(made, 0)
        trials.add("", {key: corners(each)[0] for key, each in self.study.space.items()})
        try:
            trials.hear("", row)
        except (RuntimeError, KeyError):
            if not row.missing:
                raise
        for key in sorted(row.missing):
            raise ConfigurationError(
                f"the scheduler {_named(self.study.scheduler)} counts by {key!r}, which trials do not "
                f"report: give it time_attr={TIME!r}, 'training_iteration' or 'time_total_s'."
            )

    def searcher(self) -> Searcher:
        """A searcher that knows the space, and no trial."""
        asked = "optuna" if self.study.searcher is None else self.study.searcher
        if isinstance(asked, str) and asked not in SEARCHERS:
            raise unknown("searcher", asked, SEARCHERS)
        make = partial(create_searcher, asked, **self._options) if isinstance(asked, str) else asked
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        made = _made("searcher", asked, make, Searcher)
        space = {key: domain(distribution) for key, distribution in self.study.drawn.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                taken = made.set_search_properties(SCORE, _MODE, space)
            except Exception as error:  # each has its own way to refuse a space
                raise ConfigurationError(
                    f"the searcher {_named(asked)} cannot search the space of {self.study.name}: "
                    f"{_cause(error)}"
                ) from None
        if not taken:
            raise ConfigurationError(
                f"the searcher {_named(asked)} sets a space, a metric or a mode: leave them out, "
                "the study sets them."
            )
        return made

    @property
    def _options(self) -> dict[str, int]:
        """The seed as one or another searcher calls it, and the trials as one does."""
        seed = self.seed % (1 << 31)
        return {"seed": seed, "random_state_seed": seed, "random_state": seed, "budget": self.study.trials}

    def scheduler(self) -> TrialScheduler:
        """A scheduler that has heard nothing."""
        study, asked = self.study, "asha" if self.study.scheduler is None else self.study.scheduler
        if isinstance(asked, str) and asked not in (*SCHEDULERS, *POPULATIONS):
            raise unknown("scheduler", asked, (*SCHEDULERS, *POPULATIONS))
        options: dict[str, Any] = {
            "time_attr": TIME,
            "max_t": study.max_t,
            "grace_period": study.grace_period,
            "reduction_factor": study.reduction_factor,
        }
        make: Callable[[], Any]
        if not isinstance(asked, str):
            make = asked
        elif asked in POPULATIONS:
            make = partial(population_scheduler, study, asked)
        else:
            if asked in _IN_BRACKETS:
                options |= _brackets(study)
            make = partial(create_scheduler, _OF_TUNE.get(asked, asked), **options)
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


def _brackets(study: Search) -> dict[str, Any]:
    """Brackets whose first rung is the first report, and whose survivors come to their own ends."""
    reports, reached = -(-study.max_t // study.grace_period), 1
    while reached < reports:
        reached *= study.reduction_factor
    return {"time_attr": "training_iteration", "max_t": reached, "stop_last_trials": False}


def innermost(searcher: Searcher) -> Searcher:
    """The searcher itself, where others limit how much it is asked for."""
    while isinstance(searcher, ConcurrencyLimiter):
        searcher = searcher.searcher
    return searcher


class ResultRows:
    """Reports of a search's trials as Tune's searchers and schedulers read them; no score is infinite."""

    def __init__(self) -> None:
        self._finite = Finite()

    def __call__(self, metrics: Metrics, count: int) -> dict[str, Any]:
        """The count-th report of its trial."""
        return {
            TIME: metrics.iterations,
            "training_iteration": count,
            SCORE: self._finite(metrics.value),
            "loss": metrics.loss,
            "time_total_s": metrics.seconds,
        }


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


class _Asked(dict[str, Any]):
    """A report that remembers what it was asked for in vain."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.missing: set[str] = set()

    def __contains__(self, key: object) -> bool:
        if not super().__contains__(key):
            self.missing.add(str(key))
            return False
        return True

    def __missing__(self, key: str) -> Any:
        self.missing.add(key)
        raise KeyError(key)


def _made(kind: str, asked: Any, make: Callable[[], Any], root: type[Any]) -> Any:
    """What a function or a name gives.  Raises ConfigurationError."""
    try:
        made = make()
    except Exception as error:  # an assertion, where a package is missing
        raise ConfigurationError(f"the {kind} {_named(asked)} cannot be created: {_cause(error)}") from None
    if not isinstance(made, root):
        raise ConfigurationError(
            f"the {kind} {_named(asked)} returned a {type(made).__name__}: it must return a Ray Tune {kind}."
        )
    return made


def _cause(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _named(asked: Any) -> str:
    return repr(asked if isinstance(asked, str) else getattr(asked, "__name__", "function"))


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
