"""What a space is made of: Optuna's distributions, and powers of two.

Optuna's integers on a logarithmic scale are drawn from [low − ½, high + ½] and rounded, so that one that
begins at 1 has much of its mass there: of `IntDistribution(1, 512, log=True)` 16 % of the draws are 1, and
7 % are 2.  From about 10 on that no longer matters.  A batch size or a width that may be small is better a
`PowersOfTwo`, each as likely as any other.

A sampler sees a space in terms that it can rank and store (`shown`): exponents for powers of two, and text
for choices that are none of Optuna's own (a tuple, a list, a mapping).
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_core import ConfigurationError

_PLAIN = (bool, int, float, str)


class PowersOfTwo(IntDistribution):
    """`low`, 2 · low, 4 · low, … up to `high`, each as likely as any other; both are powers of two.

    Raises ConfigurationError where they are not.
    """

    def __init__(self, low: int, high: int) -> None:
        for name, value in (("low", low), ("high", high)):
            if type(value) is not int or value < 1 or value & (value - 1):
                raise ConfigurationError(f"{name} = {value} of PowersOfTwo is not a power of two.")
        if low > high:
            raise ConfigurationError(f"low = {low} of PowersOfTwo is not allowed: it is above high = {high}.")
        super().__init__(low, high, log=True)


class Choice(CategoricalDistribution):
    """One of some plain values, tuples, lists and mappings among them.

    Given a mapping, it chooses one of its keys, and that brings the settings of its value into the space:
    `Choice({"mlp": {}, "dgm": {"depth": IntDistribution(1, 3)}})`.

    Optuna's own `CategoricalDistribution` does as well, with a warning of Optuna's for what is none of
    None, bool, int, float and str.
    """

    branches: tuple[Mapping[str, BaseDistribution], ...]
    """What each choice brings with it, in their order."""

    def __init__(self, choices: Sequence[Any] | Mapping[Any, Mapping[str, BaseDistribution]]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Optuna stores is a label
            super().__init__(tuple(choices))
        below = list(choices.values()) if isinstance(choices, Mapping) else [{} for _ in choices]
        for choice, space in zip(self.choices, below, strict=True):
            if not isinstance(space, Mapping):
                raise ConfigurationError(
                    f"the choice {choice!r} brings {space!r} with it: give a mapping of keys to "
                    "distributions."
                )
        self.branches = tuple(dict(space) for space in below)

    @classmethod
    def with_branches(
        cls, choices: Sequence[Any], branches: Sequence[Mapping[str, BaseDistribution]]
    ) -> Choice:
        """The same from two lists: choices that cannot be keys of a mapping may bring settings too."""
        made = cls(choices)
        made.branches = tuple(dict(each) for each in branches)
        return made


KINDS: dict[str, type[BaseDistribution]] = {
    kind.__name__: kind for kind in (FloatDistribution, IntDistribution, PowersOfTwo, CategoricalDistribution)
}


def corners(distribution: BaseDistribution) -> list[Any]:
    """The extreme values of a distribution, or all its choices."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    if isinstance(distribution, (IntDistribution, FloatDistribution)):
        return [distribution.low, distribution.high]
    raise ConfigurationError(
        f"{distribution!r} is not allowed in a space: give one of Optuna's distributions "
        "(FloatDistribution, IntDistribution, CategoricalDistribution), or PowersOfTwo."
    )


def label(choice: Any) -> Any:
    """A choice as Optuna can store it: itself, or JSON where it is a tuple, a list or a mapping."""
    if choice is None or isinstance(choice, _PLAIN):
        return choice
    return json.dumps(choice, sort_keys=True)


def distinct(key: str, values: Sequence[Any]) -> Choice:
    """Choices for a key.  Raises ConfigurationError where Optuna cannot tell two of them apart."""
    known: list[Any] = []
    for value in values:
        shown = label(value)
        if shown in known:
            twin = values[known.index(shown)]
            raise ConfigurationError(f"the choices {twin!r} and {value!r} of {key} are the same.")
        known.append(shown)
    return Choice(values)


def shown(distribution: BaseDistribution) -> BaseDistribution:
    """The distribution that a sampler draws from in its place."""
    if isinstance(distribution, PowersOfTwo):
        return IntDistribution(_exponent(distribution.low), _exponent(distribution.high))
    if isinstance(distribution, CategoricalDistribution):
        return CategoricalDistribution([label(choice) for choice in distribution.choices])
    return distribution


def shown_value(distribution: BaseDistribution, setting: Any) -> Any:
    """A setting as the sampler draws it."""
    if isinstance(distribution, PowersOfTwo):
        return _exponent(setting)
    return label(setting) if isinstance(distribution, CategoricalDistribution) else setting


def setting(distribution: BaseDistribution, drawn: Any) -> Any:
    """What a sampler drew, as the setting that it stands for."""
    if isinstance(distribution, PowersOfTwo):
        return 1 << drawn
    if isinstance(distribution, CategoricalDistribution):
        return next(choice for choice in distribution.choices if _same(label(choice), drawn))
    return drawn


def nearest(distribution: BaseDistribution, value: Any) -> Any:
    """The setting of a distribution that is closest to a value; None where a value has none."""
    if isinstance(distribution, CategoricalDistribution):
        return next((each for each in distribution.choices if _same(label(each), label(value))), None)
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        return None
    low, high = distribution.low, distribution.high
    inside = min(max(value, low), high)
    if isinstance(distribution, PowersOfTwo):
        return 1 << round(math.log2(inside))
    inside = stepped(distribution, inside)
    return inside if isinstance(distribution, IntDistribution) else float(inside)


def stepped(distribution: IntDistribution | FloatDistribution, value: float) -> float:
    """The step of a distribution that is closest to a value in its range; the value where it has none.

    Optuna's `high` is a step itself, which low + k · step may miss by rounding.
    """
    low, high, step = distribution.low, distribution.high, distribution.step
    if step is None or distribution.log:
        return value
    return min(low + step * round((value - low) / step), high)


def describe(distribution: BaseDistribution) -> dict[str, Any]:
    """Plain values that `described` reads."""
    name = type(distribution).__name__
    if isinstance(distribution, CategoricalDistribution):
        choices = list(distribution.choices)
        record: dict[str, Any] = {"distribution": CategoricalDistribution.__name__, "choices": choices}
        if isinstance(distribution, Choice) and any(distribution.branches):
            record["branches"] = [
                {key: describe(below) for key, below in space.items()} for space in distribution.branches
            ]
        return record
    if isinstance(distribution, PowersOfTwo):
        return {"distribution": name, "log": True, "low": distribution.low, "high": distribution.high}
    if isinstance(distribution, (IntDistribution, FloatDistribution)):
        numbers = {key: getattr(distribution, key) for key in ("log", "step", "low", "high")}
        return {"distribution": name, **numbers}
    raise ConfigurationError(f"{name} is not a distribution that is allowed in a space.")


def described(values: Mapping[str, Any]) -> BaseDistribution:
    """The inverse of `describe`.  Raises ValueError where the values are none of its."""
    name = str(values.get("distribution"))
    if name not in KINDS:
        raise ValueError(f"{name!r} is not a distribution of a search")
    rest = {key: value for key, value in values.items() if key not in ("distribution", "when")}
    if "branches" in rest:
        below = [{key: described(each) for key, each in space.items()} for space in rest.pop("branches")]
        return Choice.with_branches(rest["choices"], below)
    if name == PowersOfTwo.__name__:
        return PowersOfTwo(rest["low"], rest["high"])
    return Choice(**rest) if "choices" in rest else KINDS[name](**rest)


def _exponent(value: int) -> int:
    return value.bit_length() - 1


def _same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and value == other
