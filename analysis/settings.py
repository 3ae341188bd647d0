"""Settings as a reader compares them: in what winner and baseline differ, the space, and the sampler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from analysis.arms import key_name, level_name
from analysis.load import Run
from analysis.scores import told_once
from studies.records.settings_text import settings_text
from studies.records.words import counted, listed

_SAME = object()
_DIGITS = 5


def shown(value: Any) -> str:
    """A setting in a table, to five significant digits; study.json and the TOML of a trial have all."""
    if isinstance(value, float):
        return f"{value:.{_DIGITS}g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value)) or "none"
    return level_name(value)


def differences(run: Run) -> pd.DataFrame:
    """Every setting in which what is compared differs: baseline and winner, or all arms from the base.

    Of a study that compares nothing, its whole configuration.
    """
    study = run.study
    if study.winner is not None and study.confirmed_baseline is not None:
        base, winner = study.confirmed_baseline.config, study.winner.config
        changing = scheduled(run, study.winner.trial)
        both = told_once({**base, **winner}, study.space)
        keys = [key for key in both if base.get(key, _SAME) != winner.get(key, _SAME)]
        return pd.DataFrame(
            {
                "setting": [key_name(key) for key in keys],
                "baseline": [shown(base.get(key)) for key in keys],
                "winner": [changing.get(key, shown(winner.get(key))) for key in keys],
                "in the search": ["searched" if key in study.space else "same in all trials" for key in keys],
            }
        )
    if study.arms:
        keys = list({key: None for changes in study.arms.values() for key in changes})
        rows = [
            {"arm": arm + (" (baseline)" if arm == study.baseline else "")}
            | {key_name(key): shown(changes.get(key, study.base.get(key))) for key in keys}
            for arm, changes in study.arms.items()
        ]
        return pd.DataFrame(rows)
    config = study.winner.config if study.winner is not None else study.base
    keys = told_once(config, study.space)
    return pd.DataFrame({"setting": map(key_name, keys), "value": [shown(config[key]) for key in keys]})


def space_table(run: Run) -> pd.DataFrame:
    """A row for each setting that was searched: from what to what, and how it is drawn."""
    return pd.DataFrame(
        [{"setting": key_name(key), **_drawn(distribution)} for key, distribution in run.study.space.items()],
        columns=["setting", "values", "scale"],
    )


_KINDS = {"IntDistribution": "whole numbers", "PowersOfTwo": "powers of two"}


def _drawn(drawn: dict[str, Any]) -> dict[str, str]:
    if "choices" in drawn:
        return {"values": ", ".join(map(shown, drawn["choices"])), "scale": "choice"}
    step = f" in steps of {shown(drawn['step'])}" if drawn.get("step") not in (None, 1) else ""
    kind = _KINDS.get(drawn["distribution"], "numbers")
    scale = "logarithmic" if drawn.get("log") else "linear"
    return {"values": f"{kind} from {shown(drawn['low'])} to {shown(drawn['high'])}{step}", "scale": scale}


_DEFAULT_SAMPLER, _DEFAULT_RULE = "tpe", "asha"
"""What runs used that do not say it: those of before they could be chosen."""
TPE = {
    "tpe": "Optuna's TPE (multivariate)",
    "tpe-univariate": "Optuna's TPE (a model for each setting)",
}
"""The samplers of this kind, and what a report calls them."""


class Chooser(NamedTuple):
    """What suggested settings, or what stopped trials early: what it is called, and who wrote it."""

    called: str
    own: bool
    """Whether it is a function of the user's, which may have the name of one that is built in."""

    @property
    def built_in(self) -> str:
        """Its name where it is the program's; empty for a user's."""
        return "" if self.own else self.called

    def told(self, kind: str, built_in: str) -> str:
        """As the subject of a sentence."""
        return f"The user-defined {kind} {self.called}" if self.own else f"{built_in} {self.called}"


def suggesting(run: Run) -> Chooser:
    """The sampler of a search, or its searcher by the order of arrival."""
    if by_arrival(run):
        return _chooser(run, "searcher", run.study.scheduler.get("sampler"))
    return _chooser(run, "sampler", _DEFAULT_SAMPLER)


def stopping(run: Run) -> Chooser:
    """The rule of early stopping of a search, or its scheduler by the order of arrival."""
    if by_arrival(run):
        return _chooser(run, "scheduler", run.study.scheduler.get("name"))
    return _chooser(run, "early_stopping", _DEFAULT_RULE)


def _chooser(run: Run, key: str, default: str | None) -> Chooser:
    given = run.study.definition.get(key) or default
    return Chooser(given["function"], True) if isinstance(given, Mapping) else Chooser(str(given), False)


def sampled(run: Run) -> str:
    """How settings were chosen and trials ended early, in two sentences; empty where nothing was searched."""
    study = run.study
    if not study.space:
        return ""
    who, rule = suggesting(run), stopping(run)
    if by_arrival(run):
        searcher = who.told("searcher", "Ray Tune's searcher")
        scheduler = rule.told("scheduler", "Ray Tune's scheduler")
        every = study.scheduler.get("grace_period")
        trials = counted(study.trials_asked, "trial")
        if population(run):
            looks = counted(every or 0, "iteration")
            return (
                f"{scheduler} trained a population of {trials}, whose first settings "
                f"were drawn at random.  Every {looks} it could have one go on from another's weights, with "
                "some of its settings changed."
            )
        often = "at its own times" if every is None else f"every {counted(every, 'iteration')}"
        return (
            f"{searcher} suggested {trials} in the order in which results arrived. "
            f"{scheduler} looked at them {often}."
        )
    startup = study.definition.get("startup_trials")
    first = f", the first {startup} at random" if startup and who.built_in in TPE else ""
    sampler = TPE.get(who.built_in) or who.told("sampler", "The sampler")
    text = f"{sampler} suggested {counted(study.trials_asked, 'trial')}{first}."
    asked = study.scheduler
    if not asked.get("rungs") or rule.built_in == "none":
        return f"{text} No trial was stopped early."
    if rule.built_in != _DEFAULT_RULE:
        decided = rule.told("early stopping rule", "The early stopping rule")
        return f"{text} {decided} decided which of them to stop."
    rungs = [str(rung) for rung in asked["rungs"]]
    when = f"{'iterations' if len(rungs) > 1 else 'iteration'} {listed(rungs)}"
    share = asked.get("reduction_factor")
    return f"{text} ASHA looked at them at {when}, and stopped those not among the best 1/{share} so far."


def scheduled(run: Run, trial: str) -> dict[str, str]:
    """The settings that changed on a trial's way, by key, each as "0.01, from iteration 200 on 0.02"."""
    steps = run.study.schedules.get(trial, [])
    courses: dict[str, str] = {}
    for key in dict.fromkeys(key for step in steps for key in step["settings"]):
        values = [(step["iteration"], shown(step["settings"][key])) for step in steps]
        changes = [
            (at, value)
            for (at, value), before in zip(values, [None, *values], strict=False)
            if before is None or before[1] != value
        ]
        if len(changes) > 1:
            later = (f"from iteration {at:,} on {value}" for at, value in changes[1:])
            courses[key] = ", ".join([changes[0][1], *later])
    return courses


def population(run: Run) -> bool:
    """Whether a search's trials took over each other's weights and settings as they trained."""
    return bool(run.study.scheduler.get("population"))


def by_arrival(run: Run) -> bool:
    """Whether a search went by the order in which results arrived."""
    return run.study.definition.get("order") == "arrival"


def toml(run: Run, trial: str) -> str | None:
    """A trial's whole setup as `settings_text` gives it; None where none is recorded."""
    setup = run.study.setups.get(trial)
    return None if setup is None else settings_text(setup, run.study.schedules.get(trial, ()))
