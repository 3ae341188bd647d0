"""Keeps a store's copy of a run folder, and brings a folder up to a store's copy."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from dgm_core.errors import ConfigurationError
from studies.records.files import replacing
from studies.records.lock import LOCK, OWNER, HeldError, Owner, alive, sign_of_life
from studies.records.log import LOG
from studies.records.opening import no_run
from studies.records.schema import CHECKPOINTS, FIGURES, RAY, REPORT, STUDY, TABLES
from studies.records.storage.logs import SEGMENTS, log_copy, read_copy
from studies.records.storage.store import Store

BEAT_SECONDS = 10.0
_OWN = (LOG, LOCK, OWNER)
"""Not copied as they are: the log has a copy of its own, and the lock a sign of life."""
_ELSEWHERE = (RAY, CHECKPOINTS)
"""What Ray and the workers put into the store themselves."""
_REMADE = (TABLES, FIGURES, REPORT)


class FolderCopy:
    """The store's copy of a run folder, and in it the sign of life of the process that runs the study."""

    def __init__(self, folder: Path, store: Store, command: str) -> None:
        self.store = store
        self.log = log_copy(store)
        self._folder = folder
        self._owner = Owner(os.getpid(), socket.gethostname(), time.time(), command)
        self._seen: dict[str, tuple[int, int]] = {}
        self._told = 0.0
        (folder / OWNER).unlink(missing_ok=True)  # of a process that ran it elsewhere

    def tend(self) -> None:
        """Copies what has changed, every `BEAT_SECONDS`."""
        if time.monotonic() - self._told >= BEAT_SECONDS:
            self.follow()

    def follow(self) -> None:
        """Copies what has changed since it was last copied, and takes away what is gone."""
        self.store.write(OWNER, sign_of_life(self._owner))
        there = {key: (stat.st_size, stat.st_mtime_ns) for key, stat in self._files()}
        for key, state in there.items():
            if self._seen.get(key) != state:
                self.store.write(key, (self._folder / key).read_bytes())
        for key in self._seen.keys() - there.keys():
            self.store.remove(key)
        self._seen = there
        self._told = time.monotonic()

    def close(self) -> None:
        """Copies for the last time: no process runs the study any more."""
        self.follow()
        self.store.remove(OWNER)

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        for path in sorted(self._folder.rglob("*")):
            key = path.relative_to(self._folder)
            kept = key.parts[0] not in (*_OWN, *_ELSEWHERE, *_REMADE)
            if kept and not path.name.startswith(".") and path.is_file():
                yield key.as_posix(), path.stat()


def new_store(folder: Path, study: str, storage: str | None) -> Store | None:
    """Where the copy of a new run is to be; None where that is the run folder itself.

    Raises ConfigurationError, in one sentence, where nothing can be written there, or a run of that name is.
    """
    if storage is None:
        return None
    store = Store.at(storage).below(study, folder.name)
    if store.url == str(folder):
        return None
    store.check()
    if store.read(STUDY) is not None:
        raise ConfigurationError(f"the run {store} exists: choose another --name.")
    return store


def check_free(store: Store) -> None:
    """Raises HeldError where a process elsewhere runs the study of a store."""
    sign = store.read(OWNER)
    owner = None if sign is None else alive(sign)
    if owner is not None:
        raise HeldError(f"{store} is in use by {owner}.")


def bring_up(folder: Path, store: Store) -> None:
    """Makes a folder the run that a store holds, or leaves it where it is that run and as far or further on.

    Checkpoints stay where they are.  Raises ConfigurationError where the store holds no run, and where the
    folder holds another one or cannot be written.
    """
    here = _log(folder)
    there = read_copy(store)
    if store.read(STUDY) is None:
        if (folder / STUDY).exists():
            return
        raise no_run(store)
    if here.startswith(there) and (folder / STUDY).exists():
        return
    if not there.startswith(here) or (not here and folder.exists() and any(folder.iterdir())):
        raise ConfigurationError(f"{folder} and {store} hold different runs: choose another --out.")
    fetch(folder, store)


def fetch(folder: Path, store: Store, names: Collection[str] | None = None) -> None:
    """Copies the run of a store into a folder: all but checkpoints and Ray's files, or what `names` names.

    The log, which is always copied, comes last: a folder that was left half-way is fetched again.  Raises
    ConfigurationError where the store holds no run or the folder cannot be written.
    """
    log = read_copy(store)
    if store.read(STUDY) is None:
        raise no_run(store)
    try:
        for key in store.sizes():
            top = key.split("/")[0]
            wanted = top not in (LOG, SEGMENTS, *_ELSEWHERE) if names is None else key in names
            content = store.read(key) if wanted else None
            if content is not None:
                _write(folder / key, content)
        if log:
            _write(folder / LOG, log)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror}.") from None


def _log(folder: Path) -> bytes:
    try:
        return (folder / LOG).read_bytes()
    except OSError:
        return b""


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(content)
