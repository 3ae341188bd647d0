"""What a question is made of: a search over a space, or an ablation over arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_core import ConfigurationError, Setup
from dgm_core.errors import unknown
from dgm_core.training.setup import PROBLEM_PREFIX

PHASES = {"ablation": 0, "tune": 2_500, "confirm": 5_000, "solve": 7_500, "search": 10_000}
"""Offset of each phase's seeds: those that choose settings and those that report on them never meet."""
_SEED_STRIDE = 20_000


def replicate_seeds(seed: int, phase: str, count: int) -> list[int]:
    """The seeds of `count` replicates, disjoint between phases and between study seeds."""
    if not 1 <= count <= 2_500:
        raise ConfigurationError(f"replicates = {count} is not allowed: it must be from 1 to 2500.")
    start = seed * _SEED_STRIDE + PHASES[phase]
    return list(range(start, start + count))


@dataclass(frozen=True)
class Search:
    """Finds good settings: Optuna suggests, ASHA stops early, fresh seeds confirm the winner.

    base: what the trials share; `space` replaces some of its keys.  reference: what the winner is
    compared with, by default the base, over `confirmations` fresh seeds: six are the fewest whose range is
    a 95 % interval of the median.  Every trial trains `replicates` seeds and scores the median of their
    errors.
    ASHA's time is the iteration: rungs at grace_period × reduction_factor^j below `max_t`, which
    follows from the space.  trials_per_core: trials that share a core's time; the first ones to reach
    a rung have nothing to be compared with and go on however bad they are, and with one a core
    they would hold every core.  time_limit: seconds after which the search, not its confirmation, is cut
    short; what runs then counts as interrupted.  quick: the fields that a short look replaces.
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
    trials_per_core: int = 3
    time_limit: float | None = None
    quick: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.question:
            keys = ", ".join(key.replace("_", " ") for key in self.space)
            object.__setattr__(self, "question", f"Which {keys} solve {self.base.problem.name} best?")
        known = self.base.flat()
        for key, distribution in self.space.items():
            if key not in known:
                raise unknown(f"key of the space of {self.name}", key, known)
            for value in corners(distribution):
                self.base.changed({key: value})
        for (key, one), (other, two) in combinations(self.space.items(), 2):
            for value, second in product(corners(one), corners(two)):
                self.base.changed({key: value, other: second})

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


@dataclass(frozen=True)
class Ablation:
    """Compares arms, each a difference from one base, over the same seeds.

    baseline: the arm the others are compared with.  factors: of a grid, key -> levels.  tuned_rate:
    choose every arm's learning rate among `rates` first, on seeds of their own, since a rate that
    suits one arm may sink another.  quick: `arms`, `iterations` and `replicates` of a short look.
    """

    name: str
    base: Setup
    arms: Mapping[str, Mapping[str, Any]]
    baseline: str
    question: str = ""
    replicates: int = 5
    factors: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    tuned_rate: bool = False
    rates: Sequence[float] = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
    quick: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.question:
            object.__setattr__(
                self, "question", f"Which of {', '.join(self.arms)} solves {self.base.problem.name} best?"
            )
        if self.baseline not in self.arms:
            raise unknown(f"baseline of {self.name}", self.baseline, self.arms)
        if self.tuned_rate and any("learning_rate" in arm for arm in self.arms.values()):
            raise ConfigurationError(f"{self.name} varies the learning rate: it cannot be tuned too.")
        seen: dict[str, str] = {}
        for arm in self.arms:
            resolved = repr(sorted(self.setup(arm).flat().items()))
            if resolved in seen:
                raise ConfigurationError(
                    f"the arms {seen[resolved]!r} and {arm!r} of {self.name} are the same configuration."
                )
            seen[resolved] = arm

    @classmethod
    def grid(
        cls, *, factors: Mapping[str, Sequence[Any]], baseline: Mapping[str, Any], **rest: Any
    ) -> Ablation:
        """Every combination of the factors' levels, an arm each, named "level, level"."""
        arms = {}
        for levels in product(*factors.values()):
            arms[", ".join(str(level) for level in levels)] = dict(zip(factors, levels, strict=True))
        name = ", ".join(str(baseline[key]) for key in factors)
        return cls(arms=arms, baseline=name, factors=factors, **rest)

    def setup(self, arm: str) -> Setup:
        """What an arm resolves to.  Raises ConfigurationError for an unknown one."""
        if arm not in self.arms:
            raise unknown(f"arm of {self.name}", arm, self.arms)
        return self.base.changed(self.arms[arm])

    def changed(self, changes: Mapping[str, Any]) -> Ablation:
        """The same arms from another base; a key that the arms vary cannot be fixed."""
        for key in changes:
            if any(key in arm for arm in self.arms.values()):
                raise ConfigurationError(f"{key} is what {self.name} varies: choose --arms instead.")
        return replace(self, base=self.base.changed(changes)) if changes else self

    def lasting(self, iterations: int) -> Ablation:
        """The same arms over another number of iterations, milestones moved in proportion."""
        self.changed({"iterations": iterations})
        return replace(self, base=self.base.shortened(iterations))

    def only(self, arms: Sequence[str]) -> Ablation:
        """The named arms alone; the first is the baseline where the study's own is left out."""
        for arm in arms:
            self.setup(arm)
        kept = {arm: self.arms[arm] for arm in self.arms if arm in arms}
        baseline = self.baseline if self.baseline in kept else next(iter(kept))
        factors = {
            key: [level for level in levels if any(arm.get(key) == level for arm in kept.values())]
            for key, levels in self.factors.items()
        }
        return replace(self, arms=kept, baseline=baseline, factors=factors)

    def shortened(self) -> Ablation:
        """The quick variant: same question at fewer iterations or arms; said in every record."""
        short = replace(self, replicates=self.quick.get("replicates", self.replicates))
        if "iterations" in self.quick:
            short = short.lasting(self.quick["iterations"])
        return short.only(self.quick["arms"]) if "arms" in self.quick else short


Study = Search | Ablation


def corners(distribution: BaseDistribution) -> list[Any]:
    """The extreme values of a distribution, or all its choices."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    if isinstance(distribution, (IntDistribution, FloatDistribution)):
        return [distribution.low, distribution.high]
    raise ConfigurationError(f"{type(distribution).__name__} is not a distribution that a space can hold.")
