"""A search's space as Optuna's tools are to draw it."""

from __future__ import annotations

from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from studies.study.space import PowersOfTwo, shown


def shown_to_optuna(distribution: BaseDistribution) -> BaseDistribution:
    """As Optuna's tools are to draw it: settings as they are, where a sampler sees exponents."""
    if isinstance(distribution, PowersOfTwo):
        return IntDistribution(distribution.low, distribution.high, log=True)
    return shown(distribution)


def widened(distribution: BaseDistribution, value: Any) -> BaseDistribution | None:
    """The distribution with room for a value; None where it cannot hold it."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution if value in distribution.choices else None
    if not isinstance(distribution, (FloatDistribution, IntDistribution)) or not _number(value):
        return None
    if distribution.log and value <= 0:
        return None
    low, high = min(distribution.low, value), max(distribution.high, value)
    # A value between two steps has a place where there are none.
    if isinstance(distribution, IntDistribution):
        even = (value - distribution.low) % distribution.step == 0
        return IntDistribution(
            int(low), int(high), log=distribution.log, step=distribution.step if even else 1
        )
    step = distribution.step
    steps = 0.0 if step is None else (value - distribution.low) / step
    if abs(steps - round(steps)) > 1e-8:
        step = None
    return FloatDistribution(low, high, log=distribution.log, step=step)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
