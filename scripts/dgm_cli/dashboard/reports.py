"""The report of a run as it stands, made again and again, outside its folder and in another process."""

from __future__ import annotations

import os
import subprocess
import time
from datetime import datetime
from pathlib import Path

from dgm_cli.dashboard.leash import end, last_line, leashed
from studies.records import REPORT

_WANTED_SECONDS = 60.0
_REST = 9.0
"""Times as long as the last report took: the page takes a tenth of a core for it at most."""


class Report:
    """One run's report: the one in its folder at once, where it has one, and then those made here.

    version: grows with each; 0 before the first.  trouble: why none could be made.
    """

    def __init__(self, run: Path, folder: Path) -> None:
        self.path = folder / REPORT
        self.version = 0
        self.trouble: str | None = None
        self._run = run
        self._wanted = -_WANTED_SECONDS
        self._made_of: object = None
        self._making: subprocess.Popen[bytes] | None = None
        self._begun = self._due = 0.0
        self._folder = folder / "making"
        self._said = folder / "making.log"

    def text(self) -> str | None:
        """The last report; None where there is none yet."""
        path = self._last()
        try:
            return None if path is None else path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def own(self) -> str | None:
        """The last report that was made here, of which every script is known; None before the first."""
        return self.text() if self.version else None

    @property
    def made(self) -> str | None:
        """When the last one was made, in this machine's time."""
        path = self._last()
        if path is None:
            return None
        return datetime.fromtimestamp(path.stat().st_mtime).strftime("%Y-%m-%d %H:%M:%S")

    def _last(self) -> Path | None:
        if self.version:
            return self.path
        page = self._run / REPORT
        # A link in a run folder may lead anywhere: it is not followed.
        return page if page.is_file() and not page.is_symlink() else None

    def want(self) -> None:
        """Someone looks at it: only then is it made."""
        self._wanted = time.monotonic()

    def tend(self, stamp: object) -> None:
        """Has it made anew where the run's stamp is another one, and it is time."""
        now = time.monotonic()
        if self._making is not None and self._making.poll() is not None:
            self._take(self._making.returncode)
            self._making, self._due = None, now + _REST * (now - self._begun)
        looked_at = now - self._wanted < _WANTED_SECONDS
        if looked_at and self._making is None and stamp != self._made_of and now >= self._due:
            self._folder.mkdir(parents=True, exist_ok=True)
            line = ["-m", "dgm_cli.dashboard.reporting", str(self._run.absolute()), str(self._folder)]
            self._making = leashed(line, self._said)
            self._made_of, self._begun = stamp, now

    def close(self) -> None:
        """Ends what is being made."""
        if self._making is not None:
            end(self._making)

    def _take(self, code: int) -> None:
        if code == 0:
            os.replace(self._folder / REPORT, self.path)
            self.version, self.trouble = self.version + 1, None
        else:
            self.trouble = f"No report can be made of {self._run}: {last_line(self._said)}"
