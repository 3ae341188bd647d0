"""A run folder, opened: its record, or one sentence that says why there is none."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from dgm_core.errors import ConfigurationError
from studies.records.files import read_study
from studies.records.schema import SCHEMA, STUDY, StudyRecord

_NO_STUDY = "it is not a JSON object of a study"


def no_run(place: object) -> ConfigurationError:
    """What is said of a folder or a store without the record of a study."""
    return ConfigurationError(f"{place} is not a run: it holds no {STUDY}.")


def open_run(folder: Path) -> StudyRecord:
    """The record of a run.

    Raises ConfigurationError where the folder is not a run, cannot be read, its record is damaged, or a newer
    version of this program wrote it.
    """
    path = folder / STUDY
    try:
        if not folder.is_dir():
            raise ConfigurationError(f"{folder} is not a run: there is no such folder.")
        return _current(folder, read_study(folder))
    except (FileNotFoundError, NotADirectoryError):
        raise no_run(folder) from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}.") from None
    except ValidationError as error:
        if (version := _newer(path)) is not None:
            raise _too_new(folder, version) from None
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        said = f"{key}: {first['msg']}" if key else _NO_STUDY
        raise ConfigurationError(f"{path} is damaged: {said}.") from None
    except ConfigurationError:
        raise
    except (AttributeError, TypeError, ValueError, RecursionError):
        raise ConfigurationError(f"{path} is damaged: {_NO_STUDY}.") from None


def _current(folder: Path, record: StudyRecord) -> StudyRecord:
    if record.schema_version > SCHEMA:
        raise _too_new(folder, record.schema_version)
    return record


def _newer(path: Path) -> int | None:
    """The schema version of a record that this program cannot read, where that is newer than its own."""
    kept = json.loads(path.read_text())
    version = kept.get("schema_version") if isinstance(kept, dict) else None
    return version if isinstance(version, int) and version > SCHEMA else None


def _too_new(folder: Path, version: int) -> ConfigurationError:
    return ConfigurationError(
        f"{folder} was written with schema version {version}, newer than this program's {SCHEMA}: "
        "update dgm-studies to read it."
    )
