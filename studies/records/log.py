"""The log of a run: what happened, a line of JSON each, appended and on disk before anything acts on it.

It is the one truth of a run; Parquet files, Optuna's database and Ray's files can be made again from it and
the checkpoints.  A process that is killed, or a disk that fills up, leaves at most a torn last line, which
a reader skips and the next writer cuts off.  Each line ends with its own checksum, so that a bit that
changes on the disk later is noticed and does not become a wrong number.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import IO

from pydantic import ValidationError

from studies.errors import StudyError
from studies.records.events import EVENT, Began, Event

LOG = "log.jsonl"
VERSION = 7
"""Of the log's format.  Of 2: reports have telemetry, and a session says where its dashboard is.

Of 3: it is said when a worker has not been heard for some time, and how far a polish is.

Of 4: suggestions have their costs and constraints, and say of which earlier trial they have the settings.

Of 5: trials of a population say whose weights they go on from.

Of 6: it is said when a trial is paused, and when it goes on.

Of 7: lines have a checksum.
"""

_SUMMED = re.compile(rb',"crc32":"([0-9a-f]{8})"}$')
"""The end of a line: the CRC-32 of the line without it."""


class LogError(StudyError):
    """A log that cannot be read; the message is one sentence."""


class Log:
    """Appends events to a run's log; the caller holds the run's lock.

    follow: brings a copy of the log up to it, before anything acts on what was appended.
    """

    def __init__(self, folder: Path, follow: Callable[[Path], None] | None = None) -> None:
        self.path = folder / LOG
        self._follow = follow
        self._file: IO[bytes] = open(self.path, "ab")  # noqa: SIM115 closed in `close`
        whole = _whole(self.path.read_bytes())
        if whole < self._file.tell():
            self._file.truncate(whole)

    def append(self, events: Iterable[Event]) -> list[Event]:
        """Writes events, stamped with the time; they are on disk when this returns.

        Raises OSError where that fails, and leaves no part of them.  They stay where `follow` raises.
        """
        now = time.time()
        stamped = [event.model_copy(update={"time": now}) for event in events]
        if not stamped:
            return []
        begun = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(b"".join(map(_line, stamped)))
            self._file.flush()
            os.fdatasync(self._file.fileno())
        except OSError:
            self._reopen(begun)
            raise
        if self._follow is not None:
            self._follow(self.path)
        return stamped

    def _reopen(self, length: int) -> None:
        """Drops what a failed write left in the buffer and in the file."""
        with contextlib.suppress(OSError):
            self._file.close()
        os.truncate(self.path, length)
        self._file = open(self.path, "ab")  # noqa: SIM115 closed in `close`

    def close(self) -> None:
        """Ends the writing."""
        self._file.close()

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_log(folder: Path) -> list[Event]:
    """The events of a run so far, in order; none where the run has no log.

    Raises LogError, with the line's number, where one is damaged, and where a newer version wrote it.
    """
    path = folder / LOG
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LogError(f"{path} cannot be read: {error.strerror}.") from None
    events: list[Event] = []
    for number, line in enumerate(content[: _whole(content)].splitlines(), 1):
        try:
            event = EVENT.validate_json(_checked(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            fault = f"{where}: {first['msg']}" if where else str(first["msg"])
            raise LogError(f"{path} is damaged in line {number}: {fault}.") from None
        except ValueError as error:
            raise LogError(f"{path} is damaged in line {number}: {error}.") from None
        if isinstance(event, Began) and event.version > VERSION:
            raise LogError(
                f"{path} was written in version {event.version} of its format, newer than this program's "
                f"{VERSION}: update dgm-studies to read it."
            )
        events.append(event)
    return events


def _line(event: Event) -> bytes:
    """An event as its line of the log."""
    content = event.model_dump_json().encode()
    return b'%b,"crc32":"%08x"}\n' % (content[:-1], zlib.crc32(content))


def _checked(line: bytes) -> bytes:
    """A line without its checksum; older logs have none.  Raises ValueError where it does not fit."""
    found = _SUMMED.search(line)
    if found is None:
        return line
    content = line[: found.start()] + b"}"
    if zlib.crc32(content) != int(found[1], 16):
        raise ValueError("it is not what was written, by its checksum")
    return content


def _whole(content: bytes) -> int:
    """The length of the part of a log that consists of whole lines."""
    return content.rfind(b"\n") + 1
