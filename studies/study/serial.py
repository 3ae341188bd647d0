"""A study as plain values, so that a run can go on from its folder alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from optuna.distributions import BaseDistribution

from dgm_core import ConfigurationError, Setup
from studies.samplers import function_name, function_named
from studies.study.ablation import Ablation
from studies.study.priors import Prior
from studies.study.resources import Resources
from studies.study.search import Search
from studies.study.space import describe, described

_SETUPS = ("base", "baseline")
_FUNCTIONS = ("sampler", "early_stopping", "searcher", "scheduler", "feasible", "constraints")
_SAMPLER_OF_OLD = "tpe"
"""The default before there was another, and the only sampler before runs said which."""
_KINDS: dict[str, type[Search] | type[Ablation]] = {"search": Search, "ablation": Ablation}


def to_dict(study: Search | Ablation) -> dict[str, Any]:
    """Plain values that `from_dict` reads; what only a short look would change is left out."""
    kind = next(name for name, cls in _KINDS.items() if isinstance(study, cls))
    values: dict[str, Any] = {"kind": kind}
    for each in fields(study):
        value = getattr(study, each.name)
        if each.name == "quick":
            continue
        if isinstance(value, Setup):
            value = value.to_dict()
        elif each.name == "resources":
            value = asdict(value)
        elif each.name == "space":
            value = {key: describe(distribution) for key, distribution in value.items()}
        elif each.name == "priors":
            value = {key: asdict(prior) for key, prior in value.items()}
        elif each.name == "objectives":
            value = list(value)
        elif each.name in _FUNCTIONS and callable(value):
            value = {"function": function_name(value, each.name)}
        values[each.name] = value
    return values


def from_dict(values: Mapping[str, Any]) -> Search | Ablation:
    """The study that `to_dict` wrote.  Raises ConfigurationError where the values are no study.

    Its problem must be known: files of the user's own are loaded before.
    """
    given = dict(values)
    if "reference" in given:  # as runs of before schema version 3 have it
        given["baseline"] = given.pop("reference")
    kind = given.pop("kind", None)
    if kind not in _KINDS:
        raise ConfigurationError(f"{kind!r} is not a kind of study: it must be search or ablation.")
    if kind == "search":
        given = _as_of_old(given)
    try:
        for key in _SETUPS:
            if isinstance(given.get(key), Mapping):  # an ablation's baseline is the name of an arm
                given[key] = Setup.from_dict(given[key])
        for key in _FUNCTIONS:
            if isinstance(given.get(key), Mapping):
                given[key] = function_named(given[key]["function"], key)
        if "resources" in given:
            given["resources"] = Resources(**given["resources"])
        if "space" in given:
            given["space"] = {key: _distribution(values) for key, values in given["space"].items()}
        if "priors" in given:
            given["priors"] = {key: Prior(**values) for key, values in given["priors"].items()}
        return _KINDS[kind](**given)
    except ConfigurationError:
        raise
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"the study of this run cannot be read: {error}.") from None


def _as_of_old(given: dict[str, Any]) -> dict[str, Any]:
    """A run that was begun under another default goes on with that one."""
    if given.get("order") == "arrival":  # which has no use for what was the default then
        return {key: value for key, value in given.items() if key != "sampler"}
    return {"sampler": _SAMPLER_OF_OLD, **given}


def _distribution(values: Mapping[str, Any]) -> BaseDistribution:
    """As `describe` wrote it, or Optuna's own JSON, as runs before had it."""
    if "attributes" in values:
        return described({"distribution": values.get("name"), **values["attributes"]})
    return described(values)
