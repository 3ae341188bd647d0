"""A Ray of one study's own on this machine, started by a process of its own while the study imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from studies.processes import kill_session, let_go
from studies.signals import asked
from studies.tune.private.start import NO_CLUSTER, NODE
from studies.tune.surroundings import FOLDER, TOKEN, ray_folder, ray_token

_SCRIPT = Path(__file__).parent / "private" / "node.py"
_END_SECONDS = 20.0


class Head:
    """A Ray node of `cores` cores that is starting, or has; it listens on the loopback interface alone.

    environment: of all its processes, beyond that of this one.  dashboard: with Ray's web interface.  folder:
    where Ray keeps its files, where that is not its own choice; note: why, in a sentence.  Raises StudyError
    where Ray finds no place for its sockets.
    """

    def __init__(self, cores: int, environment: Mapping[str, str], *, dashboard: bool = False) -> None:
        self.cores = cores
        self.dashboard = dashboard
        self.folder, self.note = ray_folder(os.environ)
        if token := ray_token(os.environ):
            os.environ[TOKEN] = token  # for this process too, which joins
        self._told: dict[str, str] = {}
        self._process = self._begin(environment) if NODE.wanted else None

    def _begin(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        moved = {} if self.folder is None else {FOLDER: self.folder}
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the head)
        said = json.dumps({"cores": self.cores, "dashboard": self.dashboard})
        return subprocess.Popen(
            [sys.executable, "-P", str(_SCRIPT), said],
            env={"RAY_AUTH_MODE": "token", **environment, **os.environ, **moved, NO_CLUSTER: "0"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said,
            start_new_session=True,  # Ctrl-C is for whoever began it
        )  # fmt: skip

    @property
    def session(self) -> int | None:
        """The system's id of the session that all its processes are of; None without a process of its own."""
        return None if self._process is None else self._process.pid

    @property
    def address(self) -> str | None:
        """Where it listens, "HOST:PORT", as soon as it does; None where Ray is to be started publicly.

        Raises RuntimeError where it does not start.
        """
        if self._process is None:
            return None
        if not self._told:
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            self._told = json.loads(line) if line else {"error": self._last_words()}
        if "error" in self._told:
            raise RuntimeError(self._told["error"])
        return self._told.get("address")

    def close(self) -> None:
        """Ends it and all that it has started, at once where it has not started; once more does nothing."""
        if self._process is None or self._process.returncode is not None:
            return
        if not self._told or asked():  # who waits for the end of a study does not wait for this
            kill_session(self._process.pid)
        let_go(self._process, _END_SECONDS)
        kill_session(self._process.pid)
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
