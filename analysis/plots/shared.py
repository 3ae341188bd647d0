"""Figures drawn by several processes at once: Matplotlib draws on one core."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from studies.records.environment import available_cores

_EACH = 3
"""Figures for which one more process pays: it takes a second or two to start."""
_NOTHING, _DRAWN = "nothing", "drawn"


class Claims:
    """Which of a number of figures which process draws: a file in a folder for each that is taken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, order: Iterable[int], draw: Callable[[int], bool]) -> None:
        """Draws, of the figures in order, those that nobody else does."""
        for i in order:
            try:
                (self._folder / str(i)).touch(exist_ok=False)
            except FileExistsError:
                continue
            self.settle(i, draw)

    def settle(self, i: int, draw: Callable[[int], bool]) -> None:
        """Draws a figure that is this process's own."""
        (self._folder / str(i)).write_text(_DRAWN if draw(i) else _NOTHING)

    def __getitem__(self, i: int) -> bool | None:
        """Whether there was something to draw; None where that is not known."""
        file = self._folder / str(i)
        said = file.read_text() if file.exists() else ""
        return {_DRAWN: True, _NOTHING: False}.get(said)


@contextmanager
def helped(run: Path, folder: Path, figures: int) -> Iterator[Callable[[Callable[[int], bool]], list[bool]]]:
    """What draws the figures of a run into a folder, with the help of processes that start at once.

    It takes draw(i), which draws the i-th and says whether there was something to draw, and says which there
    were.  What a helper that fails leaves undone is drawn here, so that its error is met here too.
    """

    def share(draw: Callable[[int], bool]) -> list[bool]:
        claims.take(range(figures), draw)
        for helper in helpers:
            helper.wait()
        for i in range(figures):
            if claims[i] is None:
                claims.settle(i, draw)
        return [bool(claims[i]) for i in range(figures)]

    count = min(available_cores() - 1, figures // _EACH)
    with TemporaryDirectory() as own, _helpers(run, folder, Path(own), count) as helpers:
        claims = Claims(Path(own))
        yield share


@contextmanager
def _helpers(run: Path, folder: Path, claims: Path, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that draw, each from another figure on; none is left in the end."""
    places = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    found: list[subprocess.Popen[bytes]] = []
    try:
        for nth in range(count):
            arguments = [str(run.absolute()), str(folder.absolute()), str(claims), f"{nth + 1}/{count + 1}"]
            # -P: a folder of that name where the user is now is none of ours.
            command = [sys.executable, "-P", "-m", "analysis.plots", *arguments]
            quiet = subprocess.DEVNULL
            found.append(subprocess.Popen(command, env=places, stdin=quiet, stdout=quiet, stderr=quiet))
        yield found
    finally:
        for helper in found:
            helper.kill()
            helper.wait()
