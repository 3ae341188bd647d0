"""A Ray of one study's own on this machine, started by a process of its own while the study imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from studies.signals import asked
from studies.tune.reaper import end_session
from studies.tune.surroundings import FOLDER, TOKEN, ray_folder, ray_token

NO_CLUSTER = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Ray's switch for systems on which it makes no clusters: at "0" it listens on the loopback interface."""
_SCRIPT = Path(__file__).with_name("node.py")
_END_SECONDS = 20.0


class Head:
    """A Ray node of `cores` cores that is starting, or has; it listens on the loopback interface alone.

    environment: of all its processes, beyond that of this one.  dashboard: with Ray's web interface.  All its
    processes are of one session of the system's, `session`.  note: what is out of the ordinary, in
    a sentence.  Raises StudyError where Ray finds no place for its sockets.
    """

    def __init__(self, cores: int, environment: Mapping[str, str], *, dashboard: bool = False) -> None:
        folder, self.note = ray_folder(os.environ)
        if token := ray_token(os.environ):
            os.environ[TOKEN] = token  # for this process too, which joins
        moved = {} if folder is None else {FOLDER: folder}
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the head)
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_SCRIPT), json.dumps({"cores": cores, "dashboard": dashboard})],
            env={"RAY_AUTH_MODE": "token", **environment, **os.environ, **moved, NO_CLUSTER: "0"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said,
            start_new_session=True,  # Ctrl-C is for whoever began it
        )  # fmt: skip
        self._told: dict[str, str] = {}

    @property
    def session(self) -> int:
        """The system's id of it, which is that of the process that leads it."""
        return self._process.pid

    @property
    def address(self) -> str:
        """Where it listens, "HOST:PORT", as soon as it does.  Raises RuntimeError where it does not start."""
        if not self._told:
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            self._told = json.loads(line) if line else {"error": self._last_words()}
        if "error" in self._told:
            raise RuntimeError(self._told["error"])
        return self._told["address"]

    def close(self) -> None:
        """Ends it and all that it has started, at once where it has not started; once more does nothing."""
        if self._process.returncode is not None:
            return
        if self._told and not asked():  # who waits for the end of a study does not wait for this
            with suppress(subprocess.TimeoutExpired):
                self._process.communicate(timeout=_END_SECONDS)
        end_session(self.session)
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "the process that starts it has ended"

    def __enter__(self) -> Head:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
