"""A search over a space of settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_core import ConfigurationError, Setup
from dgm_core.errors import unknown
from dgm_core.training.setup import PROBLEM_PREFIX
from studies.study.questions import check_one_question
from studies.study.resources import Resources


@dataclass(frozen=True)
class Search:
    """Finds good settings: Optuna suggests, ASHA stops early, fresh seeds confirm the winner.

    base: what the trials share; `space` replaces some of its keys.  reference: what the winner is
    compared with, by default the base, over `confirmations` fresh seeds: six are the fewest whose range is
    a 95 % interval of the median.  Every trial trains `replicates` seeds and scores the median of their
    errors.
    ASHA's time is the iteration: rungs at grace_period × reduction_factor^j below `max_t`, which
    follows from the space.  workers: virtual ones, which give the search its order (see
    `studies.planning.clock`): so many trials are under way at a time, however many cores train them.  More of
    them than cores keep all cores busy where trials wait for each other; fewer leave cores without work.
    resources: what a trial needs of a machine.
    Two limits cut a search short, not its confirmation: what runs then counts as interrupted, but for the
    first trial where none has completed.  budget: seconds of that clock, a part of the question, the same
    search everywhere.  time_limit: seconds on the wall from the first training on, a promise of when it
    ends, and another search on a faster machine.  quick: the fields that a short look replaces.
    """

    name: str
    base: Setup
    space: Mapping[str, BaseDistribution]
    question: str = ""
    reference: Setup | None = None
    trials: int = 30
    replicates: int = 3
    confirmations: int = 6
    startup_trials: int = 10
    grace_period: int = 1_000
    reduction_factor: int = 4
    workers: int = 4
    resources: Resources = field(default_factory=Resources)
    budget: float | None = None
    time_limit: float | None = None
    quick: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ConfigurationError(f"workers = {self.workers} is not allowed: it must be 1 or greater.")
        for key in ("budget", "time_limit"):
            limit = getattr(self, key)
            if limit is not None and not limit > 0:
                raise ConfigurationError(f"{key} = {limit:g} is not allowed: it must be above 0.")
        if not self.question:
            keys = ", ".join(key.replace("_", " ") for key in self.space)
            object.__setattr__(self, "question", f"Which {keys} solve {self.base.problem.name} best?")
        known = self.base.flat()
        for key, distribution in self.space.items():
            if key not in known:
                raise unknown(f"key of the space of {self.name}", key, known)
            for value in corners(distribution):
                changed = self.base.changed({key: value})
                if key.startswith(PROBLEM_PREFIX):
                    check_one_question(self.name, self.base, changed, f"{key} = {value}")
        for (key, one), (other, two) in combinations(self.space.items(), 2):
            for value, second in product(corners(one), corners(two)):
                self.base.changed({key: value, other: second})
        if self.reference is not None:
            check_one_question(self.name, self.base, self.reference, "the reference's own problem")

    @property
    def compared(self) -> Setup:
        """What the winner is compared with: `reference`, or the base as it stands."""
        return self.base if self.reference is None else self.reference

    @property
    def max_t(self) -> int:
        """The largest number of iterations a trial can ask for."""
        distribution = self.space.get("iterations")
        if isinstance(distribution, IntDistribution):
            return distribution.high
        return self.base.config.iterations

    @property
    def rungs(self) -> tuple[int, ...]:
        """Iterations at which a trial can be stopped."""
        rungs, rung = [], self.grace_period
        while rung < self.max_t:
            rungs.append(rung)
            rung *= self.reduction_factor
        return tuple(rungs)

    def changed(self, changes: Mapping[str, Any]) -> Search:
        """The same question with keys fixed: of the base, and out of the space.

        The reference keeps its own settings, but parameters of the problem are its too: both must
        solve one equation.
        """
        if not changes:
            return self
        space = {key: value for key, value in self.space.items() if key not in changes}
        if not space:
            raise ConfigurationError(f"nothing is left to search: {', '.join(changes)} fix the whole space.")
        shared = {
            key: value
            for key, value in changes.items()
            if key.startswith(PROBLEM_PREFIX) and key not in self.space
        }
        reference = self.compared.changed(shared)
        return replace(self, base=self.base.changed(changes), reference=reference, space=space)

    def shortened(self) -> Search:
        """The quick variant: same question, smaller space and fewer trials; said in every record."""
        return replace(self, **self.quick)


def corners(distribution: BaseDistribution) -> list[Any]:
    """The extreme values of a distribution, or all its choices."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    if isinstance(distribution, (IntDistribution, FloatDistribution)):
        return [distribution.low, distribution.high]
    raise ConfigurationError(f"{type(distribution).__name__} is not a distribution that a space can hold.")
