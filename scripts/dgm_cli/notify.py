"""A command of the user's own, called when a run has ended."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dgm_cli.common import messages
from dgm_core.errors import ConfigurationError
from studies.errors import InterruptedStudyError

LONG_SECONDS = 600.0
"""From which on a run says beforehand how long it may take."""


class Ending:
    """How a run ended, as far as it is known; `told` is what the command is called with."""

    def __init__(self) -> None:
        self.run = ""
        self.state = "failed"
        """Where nothing else is said: what raised ended the run."""

    def told(self) -> str:
        """In a sentence."""
        return f"dgm: {self.run or 'a run'} {_STATES.get(self.state, self.state)}."


_STATES = {"finished": "is finished", "interrupted": "was interrupted", "failed": "failed"}


@contextmanager
def notified(command: str | None) -> Iterator[Ending]:
    """Calls `command` after the body, however it ended; what the command does changes nothing.

    Raises ConfigurationError, before the body, where there is no such command.
    """
    ending = Ending()
    words = [] if command is None else _words(command)
    refused = False
    try:
        yield ending
    except ConfigurationError:
        refused = True  # nothing was run
        raise
    except (KeyboardInterrupt, InterruptedStudyError):
        ending.state = "interrupted"
        raise
    finally:
        if words and not refused:
            _call(words, ending)


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigurationError(f"--notify {command} is not allowed: {error}.") from None
    if not words or shutil.which(os.path.expanduser(words[0])) is None:
        raise ConfigurationError(f"--notify {command} is not allowed: there is no such command.")
    return [os.path.expanduser(words[0]), *words[1:]]


def _call(words: list[str], ending: Ending) -> None:
    environment = {**os.environ, "DGM_RUN": ending.run, "DGM_STATE": ending.state}
    try:
        done = subprocess.run([*words, ending.told()], env=environment, stdin=subprocess.DEVNULL, check=False)
    except OSError as error:
        messages.print(f"Warning: --notify {words[0]} could not be called: {error.strerror}.")
    else:
        if done.returncode:
            messages.print(f"Warning: --notify {words[0]} ended with exit code {done.returncode}.")


def ended_with(ending: Ending, folder: Path, code: int) -> None:
    """Takes from an exit code how something ended that is several runs."""
    ending.run, ending.state = str(folder), {0: "finished", 130: "interrupted"}.get(code, "failed")


def ended(ending: Ending, folder: Path) -> None:
    """Takes from its records how a run ended."""
    from studies.records import read_study

    ending.run, ending.state = str(folder), read_study(folder).state
