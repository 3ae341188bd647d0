"""What a search can take from an earlier run: settings to start from, and how to search."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from dgm_core import ConfigurationError
from dgm_core.training.settings_file import flat_settings
from studies.records import StudyRecord
from studies.records.history import read_history
from studies.records.log import LogError
from studies.records.opening import open_run
from studies.study import Ablation, Search, Study, from_dict
from studies.study.branches import misfits, places

_OF_THE_QUESTION = (
    *("name", "question", "base", "space", "baseline", "feasible", "start_from", "revived"),
    *("constraints", "priors", "arms", "factors", "quick"),
)
"""Fields that a study keeps when it is run like another."""


def settings_of(place: str | Path) -> dict[str, Any]:
    """All settings, by key, of a run's winner, or of a TOML file as `dgm export` writes it.

    Of a run that has not confirmed a winner, those of the best trial that completed; of `dgm solve`'s, its
    own.  Raises ConfigurationError where there is no run or file, or no trial has completed.
    """
    path = Path(place)
    if path.suffix == ".toml":
        return flat_settings(path)
    record = open_run(path)
    if record.winner is not None:
        return _plain(record.winner.config)
    try:
        history = read_history(path)
    except LogError as error:
        raise ConfigurationError(str(error)) from None
    done = [entry for entry in history.entries.values() if entry.status == "completed"]
    if not done:
        raise ConfigurationError(f"{path} has no settings to start from: none of its trials has completed.")
    return _plain(min(done, key=lambda entry: (entry.score, entry.trial)).spec.config)


def with_starts(study: Study, tell: Callable[[str], None]) -> Study:
    """The study with the settings of the runs and files that it starts from in their place.

    tell: is given a sentence about each setting that is not in the space, and is drawn.  Raises
    ConfigurationError where a run has none that is.
    """
    if not isinstance(study, Search) or all(isinstance(start, Mapping) for start in study.start_from):
        return study
    starts = [
        start if isinstance(start, Mapping) else _taken(study, str(start), tell) for start in study.start_from
    ]
    return replace(study, start_from=starts)


def like(study: Study, record: StudyRecord, load: Callable[[], None] = lambda: None) -> Study:
    """The study, searched or compared as a run was: its sampler, stops, trials, replicates, limits.

    The question stays: equation, space, baseline.  load: loads the files that the run keeps; it is called
    where none that is loaded has the problem of that run, or the function that makes its sampler.  Raises
    ConfigurationError where the run is of another kind.
    """
    kind = {"search": Search, "ablation": Ablation}.get(record.kind)
    if kind is None or not isinstance(study, kind):
        raise ConfigurationError(f"{study.name} cannot be run like a run of the kind {record.kind!r}.")
    try:
        other = from_dict(record.definition)
    except ConfigurationError:
        load()
        other = from_dict(record.definition)
    if isinstance(study, Search) and isinstance(other, Search) and other.order == "arrival":
        study = study.by_arrival()  # without what only the search's own clock knows
    names = [each.name for each in fields(study) if each.name not in _OF_THE_QUESTION]
    return replace(study, **{name: getattr(other, name) for name in names})


def _taken(study: Search, place: str, tell: Callable[[str], None]) -> dict[str, Any]:
    """Of a run's settings those that the study searches."""
    values = settings_of(place)
    keys = {place.key for place in places(study.space)}
    taken = {key: value for key, value in values.items() if key in keys}
    while wrong := misfits(study.space, taken):
        for key, fault in wrong.items():
            if "choice" not in fault:
                tell(f"{key} = {json.dumps(taken[key])} of {place} {fault}: it is drawn.")
            del taken[key]
    if not taken:
        raise ConfigurationError(f"{place} has none of the settings that {study.name} searches.")
    return taken


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key != "problem"}
