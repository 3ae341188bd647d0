"""What others need of a run: its trained field, a program of it, and its settings."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from dgm_core import ConfigurationError
from dgm_core.training.program import export_program
from studies.records import MODELS, StudyRecord
from studies.records.files import replacing
from studies.records.settings_text import settings_text
from studies.records.setups import recorded_setup
from studies.sources import load_sources

_WINNER = "winner"
SETTINGS, WEIGHTS, PROGRAM = "settings.toml", "field.pt", "field.pt2"


def export_run(run: Path, record: StudyRecord, folder: Path, trial: str | None = None) -> list[Path]:
    """Writes settings and, where the run kept it, the trained field and its program; the files written.

    trial: a trial or an arm; by default the winner, or the only setup there is.  Raises ConfigurationError
    where the folder has files of those names, or the run no such trial.
    """
    name, setup = recorded_setup(record, trial)
    paths = [folder / file for file in (SETTINGS, WEIGHTS, PROGRAM)]
    refuse_existing(folder, (SETTINGS, WEIGHTS, PROGRAM))
    folder.mkdir(parents=True, exist_ok=True)
    settings, weights, program = paths
    with replacing(settings) as file:
        file.write(settings_text(setup, record.schedules.get(name, ())).encode())
    model = _model(run, name)
    if model is None:
        return [settings]
    load_sources(run, record)
    shutil.copyfile(model, weights)
    export_program(model, program)
    return paths


def refuse_existing(folder: Path, names: Iterable[str]) -> None:
    """Raises ConfigurationError where a folder has a file of one of the names."""
    for name in names:
        if (folder / name).exists():
            raise ConfigurationError(f"{folder / name} exists already.")


def _model(run: Path, trial: str) -> Path | None:
    """The file of a trial's trained field; only confirmed winners, arms and solves leave one."""
    known = {path.stem: path for path in sorted((run / MODELS).glob("*.pt"))}
    if not known:
        return None
    if trial.startswith(f"confirm-{_WINNER}"):
        return known.get(_WINNER)
    if trial in known:
        return known[trial]
    return next(iter(known.values())) if len(known) == 1 and "solution" in known else None
