"""Goes on with a run from its folder alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dgm_core import ConfigurationError, Setup
from studies.records import StudyRecord, read_study
from studies.records.opening import open_run
from studies.records.storage import Store
from studies.records.storage.copy import bring_up, check_free
from studies.running.extend import extend
from studies.running.rerun import differing
from studies.running.runner import Options, resume_study
from studies.sources import load_sources
from studies.study import from_dict


def read_run(folder: Path) -> StudyRecord:
    """The record of a run that can be resumed.

    Raises ConfigurationError if the folder is not a run, is damaged, or was written by a version whose runs
    cannot be resumed.
    """
    record = open_run(folder)
    if not record.definition:
        raise ConfigurationError(
            f"{folder} was written by a version of dgm-studies that could not resume a run: "
            "its study.json lacks the study's definition."
        )
    return record


def resume(folder: Path, options: Options, trials: int | None = None) -> tuple[StudyRecord, list[str]]:
    """Goes on with a search or an ablation; its record afterwards, and what differs from when it began.

    trials: those of a search, more than it was asked for (see `studies.running.extend`).

    Files of the user's own that the folder keeps are loaded: their code runs.  Raises ConfigurationError
    where the folder cannot be resumed, and StudyError where the study cannot go on.
    """
    folder = folder.absolute()
    record = read_run(folder)
    if record.storage is not None:
        store = Store.at(record.storage)
        check_free(store)
        bring_up(folder, store)
        record = read_run(folder)
    if record.state == "finished" and trials is None:
        return record, []
    differences = differing(record)
    sources = load_sources(folder, record)
    if trials is not None:
        extend(folder, record, trials)
    options = replace(options, device=record.device)
    resume_study(from_dict(record.definition), folder, record, sources, options)
    return read_study(folder), differences


def solve_setup_of(folder: Path, record: StudyRecord) -> Setup:
    """What a solve trains; files of the user's own that the folder keeps are loaded."""
    load_sources(folder, record)
    return Setup.from_dict(record.definition["setup"])
