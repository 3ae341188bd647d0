"""The copy of a log in a store, which is always the log's beginning, byte for byte."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from studies.records.log import LOG
from studies.records.storage.store import Store, StoreError

SEGMENTS = "log"
SEGMENT_BYTES = 128 * 1024


class LogCopy(Protocol):
    """Follows a log."""

    def follow(self, path: Path) -> None:
        """Brings the copy up to the log; it is stored when this returns.  Raises StoreError or OSError."""


class AppendedCopy:
    """In a folder: a file that is appended to, as the log is.  What a crash tore off is appended too."""

    def __init__(self, store: Store) -> None:
        self._copy = Path(store.url, LOG)

    def follow(self, path: Path) -> None:
        """See `LogCopy`."""
        self._copy.parent.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as log, self._copy.open("ab") as copy:
            log.seek(copy.tell())
            copy.write(log.read())
            copy.flush()
            os.fdatasync(copy.fileno())


class SegmentedCopy:
    """In a bucket, where nothing can be appended to: pieces, each named by the offset of its first byte.

    The last piece is written again as it grows, until it has `SEGMENT_BYTES`; the others are final.  A write
    is one request of bounded size however long the log is, and no piece is ever removed.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._begin = max((_offset(key) for key in store.sizes(SEGMENTS)), default=0)

    def follow(self, path: Path) -> None:
        """See `LogCopy`."""
        with path.open("rb") as file:
            file.seek(self._begin)
            piece = file.read()
        self._store.write(f"{SEGMENTS}/{self._begin:015d}.jsonl", piece)
        if len(piece) >= SEGMENT_BYTES:
            self._begin += len(piece)


def log_copy(store: Store) -> LogCopy:
    """A store's copy of a log."""
    return SegmentedCopy(store) if store.remote else AppendedCopy(store)


def read_copy(store: Store) -> bytes:
    """The log that a store holds; empty where it holds none.

    Raises StoreError where a piece is missing, and where the store cannot be read.
    """
    if not store.remote:
        return store.read(LOG) or b""
    content = b""
    for key in store.sizes(SEGMENTS):
        if _offset(key) != len(content):
            raise StoreError(f"{store} is damaged: its log lacks what comes before {key}.")
        content += store.read(key) or b""
    return content


def _offset(key: str) -> int:
    return int(Path(key).stem)
