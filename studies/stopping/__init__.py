"""Rules of early stopping by name: one small file each, a user's own among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType

from optuna.pruners import BasePruner

from dgm_core.registry import Registry, subclasses
from studies.stopping.base import Finite, Look, Rule
from studies.stopping.pruner import PrunerRule

Factory = Callable[[], BasePruner]
"""Makes one of Optuna's pruners."""


def _rules(module: ModuleType) -> Iterator[tuple[str, type[Rule]]]:
    return ((name, cls) for name, cls in subclasses(module, Rule) if cls is not PrunerRule)


RULES: Registry[type[Rule]] = Registry("early stopping rule", __name__, _rules)


def make_rule(rule: str | Factory, grace_period: int, reduction_factor: int, max_t: int) -> Rule:
    """The rule of a name, or one around a factory.  Raises ConfigurationError."""
    if isinstance(rule, str):
        return RULES.get(rule)(grace_period, reduction_factor, max_t)
    return PrunerRule(rule, grace_period, reduction_factor, max_t)


__all__ = ["RULES", "Factory", "Finite", "Look", "Rule", "make_rule"]
