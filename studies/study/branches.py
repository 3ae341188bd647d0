"""Settings that exist only with some choices of another: a space as a tree, and its places as a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_core import ConfigurationError, Setup
from studies.study.space import Choice, PowersOfTwo, label, setting, shown, shown_value

Space = Mapping[str, BaseDistribution]


@dataclass(frozen=True)
class Place:
    """A setting in a space: its key, what it is drawn from, and the choices with which it exists."""

    key: str
    distribution: BaseDistribution
    when: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        """By which a sampler knows it: the key, after the choices above: "network=dgm/depth"."""
        return _above(self.when) + self.key


def branch(distribution: BaseDistribution, choice: Any) -> Space:
    """The settings that a choice brings with it."""
    if isinstance(distribution, Choice):
        for each, space in zip(distribution.choices, distribution.branches, strict=True):
            if label(each) == label(choice) and type(each) is type(choice):
                return space
    return {}


def allowed(base: Setup, key: str, value: Any, space: Space) -> Setup:
    """The base with one setting changed.

    Raises ConfigurationError where that is not allowed; with the `Choice` to write, where another setting of
    the space has a choice that allows it.
    """
    try:
        return base.changed({key: value})
    except ConfigurationError as error:
        for other, distribution in space.items():
            for choice in getattr(distribution, "choices", ()):
                if _fits(base, {other: choice, key: value}):
                    raise ConfigurationError(
                        f"{error} In a space it goes below the choice that reads it: "
                        f"{other!r}: Choice({{…, {choice!r}: {{{key!r}: …}}}})."
                    ) from None
        raise


def _fits(base: Setup, changes: Mapping[str, Any]) -> bool:
    try:
        base.changed(changes)
    except ConfigurationError:
        return False
    return True


def always(space: Space, key: str) -> bool:
    """Whether the space says a setting whatever is chosen."""
    choices = (each for each in space.values() if isinstance(each, Choice))
    return key in space or any(all(always(below, key) for below in each.branches) for each in choices)


def places(space: Space, when: tuple[tuple[str, Any], ...] = ()) -> Iterator[Place]:
    """Every setting of a space, each before those that depend on it."""
    for key, distribution in space.items():
        yield Place(key, distribution, when)
        if isinstance(distribution, Choice):
            for choice, below in zip(distribution.choices, distribution.branches, strict=True):
                yield from places(below, (*when, (key, choice)))


def conditional(space: Space) -> bool:
    """Whether any setting depends on another."""
    return any(place.when for place in places(space))


def drawn(space: Space, ask: Callable[[str, BaseDistribution], Any], above: str = "") -> dict[str, Any]:
    """The settings that exist together.  ask: gives what a sampler draws for a name and a distribution."""
    settings: dict[str, Any] = {}
    for key, distribution in space.items():
        settings[key] = setting(distribution, ask(above + key, shown(distribution)))
        below = branch(distribution, settings[key])
        settings |= drawn(below, ask, f"{above}{key}={label(settings[key])}/")
    return settings


def at_random(random: np.random.Generator, name: str, distribution: BaseDistribution) -> Any:
    """A value as a sampler draws it; for `drawn`."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[int(random.integers(len(distribution.choices)))]
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    low, high, step = distribution.low, distribution.high, distribution.step
    if distribution.log:
        value = float(np.exp(random.uniform(np.log(low), np.log(high))))
        return round(value) if isinstance(distribution, IntDistribution) else value
    if step is None:
        return float(random.uniform(low, high))
    return low + step * int(random.integers(int((high - low) / step + 1e-9) + 1))


def named(space: Space, settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Settings by the names and in the terms of a sampler: the inverse of `drawn`."""
    shown_values: dict[str, Any] = {}
    for key, distribution in space.items():
        if key in settings:
            shown_values[above + key] = shown_value(distribution, settings[key])
            below = branch(distribution, settings[key])
            shown_values |= named(below, settings, f"{above}{key}={label(settings[key])}/")
    return shown_values


def misfits(space: Space, settings: Mapping[str, Any]) -> dict[str, str]:
    """Which of some settings a trial of the space cannot have, and why."""
    faults, below = {}, dict(settings)
    for key, distribution in space.items():
        if key not in settings:
            continue
        del below[key]
        if not holds(distribution, settings[key]):
            faults[key] = f"is not in the space, {_range(distribution)}"
            continue
        inner = branch(distribution, settings[key])
        within = {each: settings[each] for each in settings if each in {place.key for place in places(inner)}}
        for each in within:
            below.pop(each, None)
        faults |= misfits(inner, within)
    return faults | dict.fromkeys(below, "is there only with a choice that is not given")


def holds(distribution: BaseDistribution, value: Any) -> bool:
    """Whether a value can be drawn from a distribution."""
    if isinstance(distribution, CategoricalDistribution):
        return any(
            label(each) == label(value) and isinstance(each, bool) == isinstance(value, bool)
            for each in distribution.choices
        )
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    if isinstance(distribution, IntDistribution) and not isinstance(value, int):
        return False
    if isinstance(distribution, PowersOfTwo) and (value < 1 or int(value) & (int(value) - 1)):
        return False
    steps = 0.0 if distribution.step is None else (value - distribution.low) / distribution.step
    return distribution.low <= value <= distribution.high and abs(steps - round(steps)) < 1e-8


def _range(distribution: BaseDistribution) -> str:
    if isinstance(distribution, CategoricalDistribution):
        return f"one of {', '.join(map(str, distribution.choices))}"
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    step = "" if distribution.step in (None, 1) else f" in steps of {distribution.step}"
    kind = "powers of two from " if isinstance(distribution, PowersOfTwo) else ""
    return f"{kind}{distribution.low} to {distribution.high}{step}"


def fixed(space: Space, changes: Mapping[str, Any]) -> dict[str, BaseDistribution]:
    """The space without some keys; what a fixed choice brings with it stays to be searched."""
    rest: dict[str, BaseDistribution] = {}
    for key, distribution in space.items():
        if key in changes:
            rest |= fixed(branch(distribution, changes[key]), changes)
        elif isinstance(distribution, Choice):
            below = [fixed(each, changes) for each in distribution.branches]
            rest[key] = Choice.with_branches(distribution.choices, below)
        else:
            rest[key] = distribution
    return rest


def merged(space: Space) -> dict[str, tuple[BaseDistribution, dict[str, list[Any]]]]:
    """Key to the widest distribution that it has anywhere, and to the choices with which it exists.

    Those are by the key directly above it; none where it always exists.  Raises ConfigurationError where a
    key is there twice for one choice, or is drawn in ways that have nothing in common.
    """
    distributions: dict[str, tuple[BaseDistribution, dict[str, list[Any]]]] = {}
    for place in places(space):
        when = {} if not place.when else {place.when[-1][0]: [place.when[-1][1]]}
        if place.key not in distributions:
            distributions[place.key] = (place.distribution, when)
            continue
        other, choices = distributions[place.key]
        if not when or choices.keys() != when.keys():
            raise ConfigurationError(f"{place.key} is in the space twice: {_said(place, when)}.")
        above = next(iter(when))
        both = {above: [*choices[above], *when[above]]}
        distributions[place.key] = (_widest(place.key, other, place.distribution), both)
    return distributions


def _widest(key: str, a: BaseDistribution, b: BaseDistribution) -> BaseDistribution:
    if a == b:
        return a
    kinds = {type(a), type(b)}
    if kinds == {PowersOfTwo}:
        assert isinstance(a, PowersOfTwo)
        assert isinstance(b, PowersOfTwo)
        return PowersOfTwo(min(a.low, b.low), max(a.high, b.high))
    if kinds == {FloatDistribution}:
        assert isinstance(a, FloatDistribution)
        assert isinstance(b, FloatDistribution)
        return FloatDistribution(min(a.low, b.low), max(a.high, b.high), log=a.log and b.log)
    if kinds == {IntDistribution}:
        assert isinstance(a, IntDistribution)
        assert isinstance(b, IntDistribution)
        return IntDistribution(min(a.low, b.low), max(a.high, b.high), log=a.log and b.log)
    if isinstance(a, Choice) and isinstance(b, Choice) and not (any(a.branches) or any(b.branches)):
        known = [label(choice) for choice in a.choices]
        return Choice([*a.choices, *(each for each in b.choices if label(each) not in known)])
    raise ConfigurationError(f"{key} is drawn in two ways that have nothing in common: {a} and {b}.")


def _said(place: Place, when: Mapping[str, Any]) -> str:
    return f"with {place.when[-1][0]} = {place.when[-1][1]!r} and beside it" if when else "at its top"


def _above(when: tuple[tuple[str, Any], ...]) -> str:
    return "".join(f"{key}={label(choice)}/" for key, choice in when)
