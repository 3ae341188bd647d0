"""A user's files in a run folder: kept by value, so that the run outlives them."""

from __future__ import annotations

import sys
from pathlib import Path

from dgm_core import PROBLEMS, ConfigurationError, Setup, extensions
from dgm_core.extensions import Sources
from studies.records import SOURCES, SourcesRecord, StudyRecord
from studies.trust import remember


def keep_sources(folder: Path, base: Setup, writes: str | None = None) -> Sources:
    """Writes the files that are loaded, the module of the problem among them, into a run folder.

    They count as this user's own from then on, and so does the file outside of it that the run `writes` (see
    `studies.trust`).
    """
    extensions.adopt(sys.modules[type(base.problem).__module__])
    sources = Sources.loaded()
    sources.write(folder / SOURCES)
    remember(folder, sources.main, writes)
    return sources


def sources_record(sources: Sources) -> SourcesRecord:
    """What study.json says of them."""
    return SourcesRecord(main=list(sources.main), origins=dict(sources.origins), sha256=sources.hashes())


def load_kept(folder: Path, kept: SourcesRecord) -> Sources:
    """Loads the files that a folder keeps: their code runs.

    Raises ConfigurationError where the record names one that is not among them.
    """
    sources = Sources.read(folder / SOURCES, tuple(kept.main), kept.origins)
    for name in kept.main:
        if name not in sources.files:
            raise ConfigurationError(f"{folder / SOURCES} does not hold {name}, which the run used.")
    # Compiled files beside the kept ones would be code that nobody has kept.
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        sources.load(folder / SOURCES)
    finally:
        sys.dont_write_bytecode = before
    return sources


def load_sources(folder: Path, record: StudyRecord) -> Sources:
    """Loads what a run folder keeps, so that its problems, networks and studies are found.

    Raises ConfigurationError where it cannot keep the problem, which a script or a notebook defined.
    """
    sources = load_kept(folder, record.sources)
    if record.problem not in PROBLEMS:
        raise ConfigurationError(
            f"{folder} does not have the problem {record.problem!r}, which a script or a notebook defined: "
            "give a file that defines it, --with FILE."
        )
    return sources
