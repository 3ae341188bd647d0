"""A search over a space of settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, Literal

from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from pydantic import Field, InstanceOf

from dgm_core import ConfigurationError, Setup
from dgm_core.errors import unknown
from dgm_core.training.setup import PROBLEM_PREFIX, WEIGHT_PREFIX, WEIGHTS
from studies.cost import training_seconds
from studies.objectives import ERROR
from studies.samplers import DEFAULT_SAMPLER, check_sampler, make_sampler
from studies.samplers.base import Sampler
from studies.stopping import Rule, make_rule
from studies.study.branches import always, fixed, places
from studies.study.checked_space import checked_space
from studies.study.checks import ORDERS, check_aims, check_limits, check_order, check_start
from studies.study.priors import Prior, check_priors
from studies.study.questions import check_one_question
from studies.study.resources import Resources
from studies.study.space import corners, shown
from studies.study.strict import Count, Flag, Iterations, Name, Positive, Replicates, strict

_LIMITS = ("feasible", "constraints", "budget_per_training")


@strict
@dataclass(frozen=True)
class Search:
    """Finds good settings: a sampler suggests, bad trials are stopped early, fresh seeds confirm the winner.

    `budget` and `time_limit` cut a search short, not its confirmation: what runs then counts as interrupted,
    but for the first trial where none has completed.
    """

    name: Name
    """The name for `dgm run`, and of its folder below `results/`."""
    base: InstanceOf[Setup]
    """The problem and the settings that all trials share; `space` replaces some of them."""
    space: Mapping[str, Any]
    """What is searched: from a setting's key, or "problem.…", to an Optuna distribution.  Use `log=True` for
    rates, sizes and iterations.  Settings that exist only with one choice stand inside that choice (see
    `Choice`)."""
    question: str = ""
    """What the report answers, in a sentence; by default made from the space."""
    baseline: InstanceOf[Setup] | None = None
    """What the winner is compared with; null is the base."""
    trials: Count = 30
    """How many settings are tried.  Ten for each searched key is a good start."""
    replicates: Replicates = 3
    """Seeds that each trial trains at once; its score is the median of their errors."""
    confirmations: Replicates = 6
    """Fresh seeds for the winner and the baseline.  Six are the fewest whose range is a 95 % interval of the
    median."""
    confirm_limit: Count | None = None
    """Most fresh seeds of the winner and the baseline.  If `confirmations` seeds do not show which is better,
    as many are added again, up to this number.  All tests share the 5 % (see `looks`).  Null is a single
    test."""
    confirm_top: Count = 1
    """How many of the best completed trials are confirmed on the fresh seeds.  With two or more, the report
    says how likely the winner is to be the best of them.  Each costs as much as the winner's confirmation."""
    audit: Annotated[float, Field(ge=0, le=1, strict=True)] = 0.0
    """Share of the search's cost to spend on training randomly drawn stopped trials to their ends.  The
    report then says how often a stop would have lost one of the best three."""
    revived: Sequence[str] = ()
    """Names of stopped trials that `dgm revive` has trained to their ends.  Nothing that the search decides
    depends on them."""
    explain: Flag = False
    """Whether to train from the baseline to the winner, one changed setting at a time, on the fresh seeds.
    The report then says what each setting contributed.  Costs one confirmation for each setting that differs,
    except the last."""
    startup_trials: Annotated[int, Field(ge=0, le=1_000_000, strict=True)] = 10
    """Random trials before the sampler uses the results so far."""
    grace_period: Iterations = 1_000
    """Iterations that every trial gets before it can be stopped.  Rungs lie at grace_period ×
    reduction_factor^j.  Raise it if good settings start slowly."""
    reduction_factor: Annotated[int, Field(ge=2, le=1_000_000, strict=True)] = 4
    """At each rung a trial continues if it is among the best 1/reduction_factor so far."""
    workers: Count = 4
    """Trials under way at once on the logical clock (see `studies.planning.clock`), however many cores train
    them.  If there are more cores than workers, some stay idle."""
    resources: InstanceOf[Resources] = field(default_factory=Resources)
    """What a trial needs: cores, GPUs, memory."""
    budget: Positive | None = None
    """Limit in seconds of the logical clock: gives the same search on every machine."""
    time_limit: Positive | None = None
    """Limit in wall-clock seconds from the first training on: a faster machine gets further."""
    sampler: str | Callable[[int], BaseSampler] = DEFAULT_SAMPLER
    """What suggests settings: a name from `dgm list samplers`, or a function in a file from a seed to an
    Optuna sampler."""
    early_stopping: str | Callable[[], BasePruner] = "asha"
    """What stops trials at the rungs: a name from `dgm list samplers`, or a function that returns an Optuna
    pruner."""
    start_from: Sequence[Mapping[str, Any] | str] = ()
    """Settings of the first trials: by key, where those not given are drawn; or a run folder, for its
    winner's settings; or a TOML file."""
    feasible: Callable[[Mapping[str, Any]], bool] | None = None
    """Which settings are allowed together: a function in a file from all settings of a trial, by key, to true
    or false.  Settings are drawn until it returns true, and no others are trained."""
    constraints: Callable[[Mapping[str, Any]], Mapping[str, float]] | None = None
    """The same as numbers: a function in a file from all settings of a trial, by key, to named values, none
    of which may be above 0.  Samplers that model constraints get these values, and Optuna's dashboard shows
    them."""
    budget_per_training: Positive | None = None
    """Most seconds for a training of all replicates on one core, by the cost model (see `studies.cost`): a
    constraint on every trial."""
    priors: Mapping[str, InstanceOf[Prior]] = field(default_factory=dict)
    """A guess for a setting: from a key of the space to `Prior(guess, spread)`.  Start-up trials are drawn
    from it; in random search, all trials."""
    objectives: Sequence[str] = (ERROR,)
    """What to minimise: names from `dgm list samplers`, the error first.  With several, the report gives the
    Pareto front with its trials confirmed, and the best setting for each budget; early_stopping must then be
    "none"."""
    order: Literal["clock", "arrival"] = "clock"
    """In which order results count: that of the logical clock, the same everywhere, or that of their arrival,
    as in Ray Tune.  By arrival, `searcher` and `scheduler` replace `sampler` and `early_stopping`, and each
    run is a different search."""
    searcher: str | Callable[[], Any] | None = None
    """By arrival: a name for `ray.tune.search.create_searcher`, or a function in a file that returns a Ray
    Tune searcher; null is "optuna"."""
    scheduler: str | Callable[[], Any] | None = None
    """By arrival: "asha", "hyperband", "bohb", "median", "fifo", "pbt" or "pb2", or a function in a file that
    returns a Ray Tune scheduler; null is "asha".  It looks at a trial every `grace_period` iterations;
    "hyperband" and "bohb" pause trials, "pbt" and "pb2" change their settings as they train."""
    quick: Mapping[str, Any] = field(default_factory=dict)
    """Fields of this class that `--quick` replaces."""

    def __post_init__(self) -> None:
        if not self.space:
            raise ConfigurationError(f"the space of {self.name} is empty: there is nothing to search.")
        if not self.question:
            keys = ", ".join(key.replace("_", " ") for key in self.space)
            verb = "solves" if len(self.space) == 1 else "solve"
            object.__setattr__(self, "question", f"Which {keys} {verb} {self.base.problem.name} best?")
        object.__setattr__(self, "space", checked_space(self.name, self.base, self.space))
        if self.baseline is not None:
            check_one_question(self.name, self.base, self.baseline, "the baseline's own problem")
        object.__setattr__(self, "objectives", tuple(self.objectives))
        defaults = {each.name: each.default for each in fields(self)}
        changed = [key for key in ORDERS if (value := getattr(self, key)) and value != defaults[key]]
        check_order(self.name, self.order, changed, self.space)
        if self.confirm_limit is not None and self.confirm_limit < self.confirmations:
            raise ConfigurationError(
                f"confirm_limit = {self.confirm_limit} of {self.name} is not allowed: it is below "
                f"confirmations = {self.confirmations}."
            )
        check_sampler(self.sampler, self.drawn, self.startup_trials, self.trials)
        self.make_rule()
        check_aims(self.name, self.objectives, self.make_sampler(), self.early_stopping)
        check_priors(self.name, self.space, self.priors, self.make_sampler())
        check_limits(self.name, self.space, self.allows, self.limits)
        check_start(self.name, self.space, self.start_from, self.trials, self.order)
        self._check_quick()

    @property
    def limits(self) -> tuple[str, ...]:
        """The fields by which settings are not allowed together."""
        return tuple(each for each in _LIMITS if getattr(self, each) is not None)

    def allows(self, changes: Mapping[str, Any]) -> bool:
        """Whether a trial may have these settings."""
        if not self.limits:
            return True
        fits = self.feasible is None or bool(self.feasible(self.base.changed(changes).flat()))
        return fits and all(value <= 0 for value in self.violations(changes).values())

    def violations(self, changes: Mapping[str, Any]) -> dict[str, float]:
        """The constraints of a trial with these settings, by name: above 0 where it is not allowed."""
        setup = self.base.changed(changes)
        values: dict[str, float] = {}
        if self.constraints is not None:
            values |= {str(key): float(value) for key, value in self.constraints(setup.flat()).items()}
        if self.budget_per_training is not None:
            taken = training_seconds(setup, self.replicates)
            values["seconds of a training"] = taken - self.budget_per_training
        return values

    def _check_quick(self) -> None:
        """The short look is refused when it is defined, and not when somebody first asks for it."""
        allowed = [each.name for each in fields(self) if each.name not in ("name", "quick")]
        for key in self.quick:
            if key not in allowed:
                raise unknown(f"key in quick of {self.name}", key, allowed)
        if self.quick:
            self.shortened()

    @property
    def compared(self) -> Setup:
        """What the winner is compared with: `baseline`, or the base as it stands."""
        return self.base if self.baseline is None else self.baseline

    @property
    def looks(self) -> int:
        """How often winner and baseline may be compared: each look may err with 5 % over their number
        (Bonferroni), so that all together err with 5 % at most."""
        limit = self.confirm_limit or self.confirmations
        return max(1, -(-limit // self.confirmations))

    @property
    def max_t(self) -> int:
        """The largest number of iterations a trial can ask for."""
        searched = [place for place in places(self.space) if place.key == "iterations"]
        largest = [max(corners(place.distribution)) for place in searched]
        return max(largest if always(self.space, "iterations") else [*largest, self.base.config.iterations])

    @property
    def rungs(self) -> tuple[int, ...]:
        """Iterations at which some trial can be stopped."""
        if self.order == "arrival":
            return tuple(range(self.grace_period, self.max_t, self.grace_period))
        rule = self.make_rule()
        return tuple(sorted({rung for number in range(self.trials) for rung in rule.rungs(number)}))

    def make_rule(self) -> Rule:
        """The rule of early stopping, which has been told nothing yet."""
        return make_rule(self.early_stopping, self.grace_period, self.reduction_factor, self.max_t)

    def make_sampler(self) -> Sampler:
        """What makes the sampler of each trial."""
        return make_sampler(self.sampler, self.drawn, self.startup_trials)

    @property
    def drawn(self) -> dict[str, BaseDistribution]:
        """The space as a sampler sees it."""
        return {place.name: shown(place.distribution) for place in places(self.space)}

    def changed(self, changes: Mapping[str, Any]) -> Search:
        """The same question with keys fixed: of the base, and out of the space.

        The baseline keeps its own settings, but parameters of the problem are its too: both must
        solve one equation.
        """
        if not changes:
            return self
        keys = {place.key for place in places(self.space)}
        for key in changes:
            if key.startswith(WEIGHT_PREFIX) and WEIGHTS in keys:
                raise ConfigurationError(
                    f"{key} cannot be fixed: {self.name} searches all of {WEIGHTS} together."
                )
        space = fixed(self.space, changes)
        if not space:
            raise ConfigurationError(f"nothing is left to search: {', '.join(changes)} fix the whole space.")
        shared = {
            key: value for key, value in changes.items() if key.startswith(PROBLEM_PREFIX) and key not in keys
        }
        baseline = self.compared.changed(shared)
        starts = [self._without(start, changes) for start in self.start_from]
        priors = {key: prior for key, prior in self.priors.items() if key not in changes}
        base = self.base.changed(changes)
        return replace(self, base=base, baseline=baseline, space=space, start_from=starts, priors=priors)

    @staticmethod
    def _without(start: Mapping[str, Any] | str, changes: Mapping[str, Any]) -> Mapping[str, Any] | str:
        if isinstance(start, str):
            return start
        return {key: value for key, value in start.items() if key not in changes}

    def by_arrival(self, searcher: str | None = None, scheduler: str | None = None) -> Search:
        """The same question in the order in which results arrive, with parts of Ray Tune's."""
        return replace(
            self,
            order="arrival",
            searcher=searcher or self.searcher,
            scheduler=scheduler or self.scheduler,
            sampler=DEFAULT_SAMPLER,
            early_stopping="asha",
            budget=None,
            quick={key: value for key, value in self.quick.items() if ORDERS.get(key) != "clock"},
        )

    def shortened(self) -> Search:
        """The quick variant: same question, smaller space and fewer trials; said in every record."""
        return replace(self, quick={}, **self.quick)
