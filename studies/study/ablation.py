"""An ablation: arms that differ from one base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from pydantic import InstanceOf

from dgm_core import ConfigurationError, Setup
from dgm_core.errors import unknown
from dgm_core.training.setup import WEIGHT_PREFIX, WEIGHTS
from studies.study.questions import check_one_question
from studies.study.resources import Resources
from studies.study.strict import Flag, Name, Positive, Replicates, strict

QUICK = ("arms", "iterations", "replicates")


@strict
@dataclass(frozen=True)
class Ablation:
    """Compares arms, each a difference from one base, over the same seeds."""

    name: Name
    """The name for `dgm run`, and of its folder below `results/`."""
    base: InstanceOf[Setup]
    """The problem and the settings from which every arm differs."""
    arms: Mapping[str, Mapping[str, Any]]
    """From the name of an arm to the settings that it changes."""
    baseline: str
    """The arm that the others are compared with."""
    question: str = ""
    """What the report answers, in a sentence; by default made from the arms."""
    replicates: Replicates = 5
    """Fresh networks of each arm; all arms share their seeds."""
    factors: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """For a grid: from a setting's key to its levels, for the axes of figures."""
    tuned_rate: Flag = False
    """Whether each arm's learning rate is first chosen from `rates`, on separate seeds: a rate that suits one
    arm may ruin another."""
    rates: Sequence[Positive] = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
    """The learning rates that `tuned_rate` tries."""
    resources: InstanceOf[Resources] = field(default_factory=Resources)
    """What a trial needs: cores, GPUs, memory."""
    quick: Mapping[str, Any] = field(default_factory=dict)
    """`arms`, `iterations` and `replicates` of a short look."""

    def __post_init__(self) -> None:
        if not self.arms:
            raise ConfigurationError(f"{self.name} has no arms: there is nothing to compare.")
        if not self.rates:
            raise ConfigurationError(f"rates of {self.name} are empty: there is nothing to choose from.")
        if not self.question:
            object.__setattr__(
                self, "question", f"Which of {', '.join(self.arms)} solves {self.base.problem.name} best?"
            )
        if self.baseline not in self.arms:
            raise unknown(f"baseline of {self.name}", self.baseline, self.arms)
        if self.tuned_rate and any("learning_rate" in arm for arm in self.arms.values()):
            raise ConfigurationError(f"{self.name} varies the learning rate: it cannot be tuned too.")
        arm_of: dict[str, str] = {}
        for arm in self.arms:
            resolved = repr(sorted(self.setup(arm).flat().items()))
            if resolved in arm_of:
                raise ConfigurationError(
                    f"the arms {arm_of[resolved]!r} and {arm!r} of {self.name} are the same configuration."
                )
            arm_of[resolved] = arm
            check_one_question(self.name, self.setup(self.baseline), self.setup(arm), f"the arm {arm!r}")
        for key in self.quick:
            if key not in QUICK:
                raise unknown(f"key in quick of {self.name}", key, QUICK)
        if self.quick:
            self.shortened()

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
            whole = WEIGHTS if key.startswith(WEIGHT_PREFIX) else key
            if any(key in arm or whole in arm for arm in self.arms.values()):
                raise ConfigurationError(f"{key} is what {self.name} varies: choose --arms instead.")
        return replace(self, base=self.base.changed(changes)) if changes else self

    def lasting(self, iterations: int) -> Ablation:
        """The same arms over another number of iterations, milestones moved in proportion."""
        self.changed({"iterations": iterations})
        return replace(self, base=self.base.shortened(iterations))

    def only(self, arms: Sequence[str]) -> Ablation:
        """The named arms alone; the first is the baseline where the study's own is left out."""
        if not arms:
            raise ConfigurationError(f"no arms of {self.name} are named: there is nothing to compare.")
        for arm in arms:
            self.setup(arm)
        kept = {arm: self.arms[arm] for arm in self.arms if arm in arms}
        baseline = self.baseline if self.baseline in kept else next(iter(kept))
        factors = {
            key: [level for level in levels if any(arm.get(key) == level for arm in kept.values())]
            for key, levels in self.factors.items()
        }
        quick = dict(self.quick)
        if "arms" in quick:
            quick["arms"] = [arm for arm in quick["arms"] if arm in kept] or list(kept)
        return replace(self, arms=kept, baseline=baseline, factors=factors, quick=quick)

    def shortened(self) -> Ablation:
        """The quick variant: same question at fewer iterations or arms; said in every record."""
        short = replace(self, replicates=self.quick.get("replicates", self.replicates), quick={})
        if "iterations" in self.quick:
            short = short.lasting(self.quick["iterations"])
        return short.only(self.quick["arms"]) if "arms" in self.quick else short
