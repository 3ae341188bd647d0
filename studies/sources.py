"""A user's files in a run folder: kept by value, so that the run outlives them."""

from __future__ import annotations

import sys
from pathlib import Path

from dgm_core import PROBLEMS, ConfigurationError, Setup, extensions
from dgm_core.extensions import Sources
from studies.records import SOURCES, SourcesRecord, StudyRecord


def keep_sources(folder: Path, base: Setup) -> Sources:
    """Writes the files that are loaded, the module of the problem among them, into a run folder."""
    extensions.adopt(sys.modules[type(base.problem).__module__])
    sources = Sources.loaded()
    sources.write(folder / SOURCES)
    return sources


def sources_record(sources: Sources) -> SourcesRecord:
    """What study.json says of them."""
    return SourcesRecord(main=list(sources.main), origins=dict(sources.origins), sha256=sources.hashes())


def load_kept(folder: Path, kept: SourcesRecord) -> Sources:
    """Loads the files that a folder keeps: their code runs."""
    sources = Sources.read(folder / SOURCES, tuple(kept.main), kept.origins)
    sources.load(folder / SOURCES)
    return sources


def load_sources(folder: Path, record: StudyRecord) -> Sources:
    """Loads what a run folder keeps, so that its problems, networks and studies are found.

    Raises ConfigurationError where it cannot keep the problem, which a script or a notebook defined.
    """
    sources = load_kept(folder, record.sources)
    if record.problem not in PROBLEMS:
        raise ConfigurationError(
            f"{folder} has not kept the problem {record.problem!r}, which a script or a notebook defined: "
            "give a file that defines it, --with FILE."
        )
    return sources
