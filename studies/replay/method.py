"""A way to search a table: the sampler and the rule of early stopping of a `Search`, with their settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from optuna.distributions import BaseDistribution

from studies.samplers import DEFAULT_SAMPLER, SAMPLERS, check_sampler, make_sampler
from studies.samplers.base import Sampler
from studies.stopping import RULES, Rule, make_rule
from studies.study.space import shown

NO_STOPPING = "none"


@dataclass(frozen=True)
class Method:
    """What a search would be told; names are those of `dgm list samplers`.

    grace_period and reduction_factor matter to early stopping alone.
    """

    sampler: str = DEFAULT_SAMPLER
    early_stopping: str = NO_STOPPING
    startup_trials: int = 10
    grace_period: int = 1_000
    reduction_factor: int = 4

    @property
    def stops(self) -> bool:
        """Whether trials can be stopped early."""
        return self.early_stopping != NO_STOPPING

    def __str__(self) -> str:
        text = f"{self.sampler}, startup {self.startup_trials}"
        if self.stops:
            text += f", {self.early_stopping} from {self.grace_period} by {self.reduction_factor}"
        return text

    def check(self, space: Mapping[str, BaseDistribution], trials: int) -> None:
        """Raises ConfigurationError for an unknown name, and where the sampler cannot serve the space."""
        SAMPLERS.get(self.sampler)
        RULES.get(self.early_stopping)
        check_sampler(self.sampler, _drawn(space), self.startup_trials, trials)

    def make_sampler(self, space: Mapping[str, BaseDistribution]) -> Sampler:
        """As `Search.make_sampler`."""
        return make_sampler(self.sampler, _drawn(space), self.startup_trials)

    def make_rule(self, max_t: int) -> Rule:
        """As `Search.make_rule`."""
        return make_rule(self.early_stopping, self.grace_period, self.reduction_factor, max_t)


def _drawn(space: Mapping[str, BaseDistribution]) -> dict[str, BaseDistribution]:
    return {key: shown(distribution) for key, distribution in space.items()}
