"""Figures drawn by several processes at once: Matplotlib draws on one core."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from studies.records.environment import available_cores

_EACH = 3
"""Figures for which one more process pays: it takes a second or two to start."""
_PATIENCE = 30.0
"""Seconds that a helper has for the figure that it draws last."""
_FAREWELL = 2.0
"""Seconds that one has to leave no half of a file, when nobody waits for its figure any more."""
_NOTHING, _DRAWN = "nothing", "drawn"


class Claims:
    """Which of a number of figures which process draws: a file in a folder for each that is taken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, names: Iterable[str], draw: Callable[[str], bool]) -> None:
        """Draws, of the figures in order, those that nobody else does."""
        for name in names:
            try:
                (self._folder / name).touch(exist_ok=False)
            except FileExistsError:
                continue
            (self._folder / name).write_text(_DRAWN if draw(name) else _NOTHING)

    def __getitem__(self, name: str) -> bool | None:
        """Whether there was something to draw; None where that is not known."""
        file = self._folder / name
        said = file.read_text() if file.exists() else ""
        return {_DRAWN: True, _NOTHING: False}.get(said)


@contextmanager
def helped(
    run: Path, folder: Path, names: Sequence[str]
) -> Iterator[Callable[[Callable[[str], bool]], list[str]]]:
    """What draws the named figures of a run into a folder, with the help of processes that start at once.

    It takes draw(name), which draws one and says whether there was something to draw, and gives those that
    there were.  What a helper that fails leaves undone is drawn here, so that its error is met here too; so
    is everything where no process can be started, or nothing written but the report.
    """
    count = min(available_cores() - 1, len(names) // _EACH)
    with ExitStack() as stack:
        try:
            claims_folder = Path(stack.enter_context(TemporaryDirectory()))
            helpers = stack.enter_context(_helpers(run, folder, names, claims_folder, count))
        except OSError:
            yield lambda draw: [name for name in names if draw(name)]
            return
        claims = Claims(claims_folder)

        def share(draw: Callable[[str], bool]) -> list[str]:
            claims.take(names, draw)
            for helper in helpers:
                with suppress(subprocess.TimeoutExpired):
                    helper.wait(_PATIENCE)
            return [name for name in names if (draw(name) if claims[name] is None else claims[name])]

        yield share


@contextmanager
def _helpers(
    run: Path, folder: Path, names: Sequence[str], claims: Path, count: int
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that draw, each from another figure on; none is left in the end."""
    path = [place or os.getcwd() for place in sys.path]
    places = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for nth in range(1, count + 1):
            arguments = [run.absolute(), folder.absolute(), claims, f"{nth}/{count + 1}", os.getpid()]
            # -P: a folder of that name where the user is now is none of ours.
            command = [sys.executable, "-P", "-m", "analysis.plots", *map(str, arguments)]
            quiet = subprocess.DEVNULL
            processes.append(subprocess.Popen(command, env=places, stdin=quiet, stdout=quiet, stderr=quiet))
        yield processes
    finally:
        killed = False
        for helper in processes:
            if helper.poll() is None:
                helper.terminate()  # which leaves no half of a file
        for helper in processes:
            try:
                helper.wait(_FAREWELL)
            except subprocess.TimeoutExpired:
                helper.kill()
                helper.wait()
                killed = True
        if killed:
            for name in names:
                for half in folder.glob(f".{name}.*"):
                    half.unlink(missing_ok=True)
