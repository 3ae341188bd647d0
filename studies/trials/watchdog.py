"""Ends a worker whose trial makes no progress, whatever it hangs in."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Watchdog:
    """After `seconds` without `pat`, writes where every thread is to a file, and ends the process.

    It needs neither the interpreter's lock nor its attention: what hangs in C code is ended too.
    """

    def __init__(self, seconds: float, path: Path) -> None:
        self._seconds = seconds
        self._path = path

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watches the body."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self._path, "w")  # noqa: SIM115 (held while the body runs)
        except OSError:  # a full disk
            self._file = open(os.devnull, "w")  # noqa: SIM115
        self.pat()
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
            self._file.close()
            with suppress(OSError):
                self._path.unlink()

    def pat(self) -> None:
        """The trial has made progress."""
        faulthandler.dump_traceback_later(self._seconds, exit=True, file=self._file)

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """The body may take as long as it likes: it waits for others."""
        faulthandler.cancel_dump_traceback_later()
        yield
        self.pat()
