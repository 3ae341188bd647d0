"""A study asked a little differently: shorter, other arms or limits, settings fixed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from shlex import quote
from typing import Any

from dgm_core import ConfigurationError
from dgm_core.errors import repeated, unknown
from studies.study.ablation import Ablation
from studies.study.branches import places
from studies.study.priors import Prior
from studies.study.resources import Resources
from studies.study.search import Search

_AFTER = ("confirmations", "confirm_limit", "confirm_top", "audit", "explain")
_TOWARDS = ("objectives", "budget_per_training")
_OF_SEARCHES = ("trials", "time_limit", "sampler", "early_stopping", "start_from", *_AFTER, *_TOWARDS)
_BY_ARRIVAL = ("searcher", "scheduler")
_OF_ABLATIONS = ("arms", "iterations", "tuned_rate")
_MAPPINGS = {"settings": {"depth": 2}, "resources": {"cpus": 2}, "priors": {"depth": 3}}
"""What is given by name, with an example."""


@dataclass(frozen=True)
class Edits:
    """What is to be different; None leaves a thing as the study has it.

    quick: the study's own short look, taken before all else.  settings: keys to fix.  replicates: seeds of
    each trial.  resources: fields of `Resources`.  Of searches alone: trials; sampler and early_stopping, or
    searcher and scheduler, by which the search goes by arrival; time_limit in seconds, in place of the
    study's own limits; start_from, confirmations, confirm_limit, confirm_top, audit, explain, objectives
    and budget_per_training as `Search` has them, where several objectives end early stopping that is not
    asked for; priors, of which a number is the guess alone (see `Prior.about`).  Of ablations alone: arms,
    the names of those to keep (see `arms_of` for those in one text); iterations of every arm; tuned_rate.
    """

    quick: bool = False
    settings: Mapping[str, Any] | None = None
    replicates: int | None = None
    resources: Mapping[str, float] | None = None
    trials: int | None = None
    time_limit: float | None = None
    sampler: Any = None
    early_stopping: Any = None
    confirmations: int | None = None
    confirm_limit: int | None = None
    confirm_top: int | None = None
    audit: float | None = None
    explain: bool | None = None
    searcher: Any = None
    scheduler: Any = None
    start_from: Sequence[Mapping[str, Any] | str] | None = None
    objectives: Sequence[str] | None = None
    budget_per_training: float | None = None
    priors: Mapping[str, Prior | float] | None = None
    arms: Sequence[str] | str | None = None
    iterations: int | None = None
    tuned_rate: bool | None = None

    def of(self, study: Search | Ablation, option: Callable[[str], str] = str) -> Search | Ablation:
        """A study with these edits.

        option: how a field is called where it is refused.  Raises ConfigurationError for what the study
        cannot be, and for edits of the other kind of study.
        """
        self._check_mappings(option)
        chosen = study.shortened() if self.quick else study
        if isinstance(chosen, Search):
            self._refuse(_OF_ABLATIONS, option, f"is for ablations: {study.name} is a search.")
            given = self._given(_OF_SEARCHES)
            if self.priors is not None:
                given["priors"] = {**chosen.priors, **self._believed(chosen)}
            if len(self.objectives or ()) > 1:
                given = {"early_stopping": "none", **given}
            chosen = replace(chosen, **given)
            if self.time_limit is not None:
                chosen = replace(chosen, budget=None)
            if self._given(_BY_ARRIVAL):
                why = f"is not allowed with {option('searcher')} or {option('scheduler')}."
                self._refuse(("sampler", "early_stopping"), option, why)
                chosen = chosen.by_arrival(self.searcher, self.scheduler)
        else:
            self._refuse(
                (*_OF_SEARCHES, "priors", *_BY_ARRIVAL),
                option,
                f"is for searches: {study.name} is an ablation.",
            )
            if self.iterations is not None:
                chosen = chosen.lasting(self.iterations)
            if self.arms is not None:
                named = self.arms
                if isinstance(named, str):
                    named = arms_of(named, chosen.arms, option("arms"))
                chosen = chosen.only(named)
            chosen = replace(chosen, **self._given(("tuned_rate",)))
        chosen = chosen.changed(self.settings or {})
        resources = replace(chosen.resources, **(self.resources or {}))
        return replace(chosen, resources=resources, **self._given(("replicates",)))

    def _believed(self, study: Search) -> dict[str, Prior]:
        """The priors; one that is a guess alone has the width that suits the setting's range."""
        known = {place.key: place.distribution for place in places(study.space)}
        priors = {}
        for key, prior in (self.priors or {}).items():
            if key not in known:
                raise unknown(f"key in priors of {study.name}", key, known)
            priors[key] = prior if isinstance(prior, Prior) else Prior.about(prior, known[key])
        return priors

    def _check_mappings(self, option: Callable[[str], str]) -> None:
        for name, example in _MAPPINGS.items():
            given = getattr(self, name)
            if given is not None and not isinstance(given, Mapping):
                raise ConfigurationError(
                    f"{option(name)} = {repeated(given)} is not allowed: it must be a dictionary, such as "
                    f"{example}."
                )
        known = [each.name for each in fields(Resources)]
        for key in self.resources or {}:
            if key not in known:
                raise unknown("key in resources", key, known)

    def _given(self, names: Sequence[str]) -> dict[str, Any]:
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def _refuse(self, names: Sequence[str], option: Callable[[str], str], why: str) -> None:
        for name in self._given(names):
            raise ConfigurationError(f"{option(name)} {why}")


def arms_of(text: str, known: Collection[str], option: str = "arms") -> list[str]:
    """The arms that a text names: between semicolons, or commas where no arm's own name has one.

    option: how the text is called where it is refused.  Raises ConfigurationError where it cannot be told
    which arms are meant.
    """
    parts = [arm.strip() for arm in text.split(";")]
    if len(parts) > 1 or "," not in text or text.strip() in known:
        return parts
    if any("," in arm for arm in known):
        example = quote("; ".join(list(known)[:2]))
        raise ConfigurationError(
            f"{option} {text} is not allowed: separate arms by semicolons, as {example}."
        )
    return [arm.strip() for arm in text.split(",")]


EDITS = tuple(each.name for each in fields(Edits))
