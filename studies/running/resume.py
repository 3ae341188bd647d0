"""Goes on with a run from its folder alone."""

from __future__ import annotations

from pathlib import Path

from dgm_core import ConfigurationError, Setup
from dgm_core.extensions import Sources
from studies.records import SCHEMA, SOURCES, STUDY, StudyRecord, read_study
from studies.running.rerun import differing
from studies.running.runner import Options, resume_study
from studies.sources import load_sources
from studies.study import from_dict


def read_run(folder: Path) -> StudyRecord:
    """The record of a run that can be resumed.

    Raises ConfigurationError where the folder is no run, is damaged, or was written by a version whose runs
    cannot be resumed.
    """
    try:
        record = read_study(folder)
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigurationError(f"{folder} is no run: it has no {STUDY}.") from None
    except (OSError, ValueError):
        raise ConfigurationError(f"{folder / STUDY} is damaged: it is no record of a study.") from None
    if record.schema_version > SCHEMA:
        raise ConfigurationError(
            f"{folder} was written with schema version {record.schema_version}, newer than this program's "
            f"{SCHEMA}: update dgm-studies to read it."
        )
    if not record.definition:
        raise ConfigurationError(
            f"{folder} was written by a version of dgm-studies that could not resume a run: "
            "its study.json lacks the study's definition."
        )
    return record


def resume(folder: Path, options: Options, *, trust: bool = False) -> tuple[StudyRecord, list[str]]:
    """Goes on with a search or an ablation; its record afterwards, and what differs from when it began.

    trust: run the user's own files that the folder keeps.  Raises ConfigurationError where it may not, or
    the folder cannot be resumed, and StudyError where the study cannot go on.
    """
    folder = folder.absolute()
    record = read_run(folder)
    if record.state == "finished":
        return record, []
    differences = differing(record)
    sources = trusted_sources(folder, record, trust=trust)
    resume_study(from_dict(record.definition), folder, record, sources, options)
    return read_study(folder), differences


def solve_setup_of(folder: Path, record: StudyRecord, *, trust: bool) -> Setup:
    """What a solve trains.  Raises ConfigurationError where that is code which may not be run."""
    trusted_sources(folder, record, trust=trust)
    return Setup.from_dict(record.definition["setup"])


def trusted_sources(folder: Path, record: StudyRecord, *, trust: bool) -> Sources:
    """Loads the user's own files that a run keeps.

    Raises ConfigurationError where there are some and `trust` does not allow to run them.
    """
    if record.sources.main and not trust:
        names = ", ".join(sorted(record.sources.sha256))
        raise ConfigurationError(
            f"{folder} runs code that it keeps ({names}): look at it under {folder / SOURCES}, "
            "and give --trust to run it."
        )
    return load_sources(folder, record)
