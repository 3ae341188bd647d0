"""What a worker is given: setups by value, with the files of the user's own that they need."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ray import cloudpickle

from dgm_core import Setup
from dgm_core.extensions import Sources
from dgm_core.networks import NETWORKS


@dataclass(frozen=True)
class TrialPayload:
    """A study's setups by name, and the sources that must be loaded before they can be unpacked.

    Classes of a loaded file are found again under the file's name; those of a script or a notebook travel
    by value, its networks too, which a setup knows by name alone.  Neither asks for anything to be installed
    where the worker runs.
    """

    main: tuple[str, ...]
    files: tuple[tuple[str, bytes], ...]
    origins: tuple[tuple[str, str], ...]
    content: bytes

    @classmethod
    def of(cls, setups: Mapping[str, Setup], sources: Sources) -> TrialPayload:
        """Packs setups."""
        files, origins = tuple(sources.files.items()), tuple(sources.origins.items())
        networks = [network for _, network in NETWORKS.find(sys.modules["__main__"])]
        return cls(sources.main, files, origins, cloudpickle.dumps((networks, dict(setups))))

    def open(self) -> dict[str, Setup]:
        """The setups, their sources loaded into this process."""
        return _opened(self)


@lru_cache(maxsize=4)
def _opened(payload: TrialPayload) -> dict[str, Setup]:
    if payload.main:
        # Ray ends its workers without a word; what is in their working directory goes with Ray's session.
        folder = Path(tempfile.mkdtemp(prefix="dgm-sources-", dir=Path.cwd()))
        sources = Sources(dict(payload.files), payload.main, dict(payload.origins))
        sources.write(folder)
        sources.load(folder)
    networks, setups = cloudpickle.loads(payload.content)
    for network in networks:
        setattr(sys.modules["__main__"], network.__name__, network)  # where the registry looks for a script's
    unpacked: dict[str, Setup] = setups
    return unpacked
