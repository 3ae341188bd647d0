"""`dgm dashboard`: a page, Optuna's dashboard and TensorBoard on a run, and a link to Ray's."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgm_cli.common import messages
from dgm_core.errors import ConfigurationError

if TYPE_CHECKING:
    from dgm_cli.dashboard.tools import Running


def dashboard(
    run: Annotated[Path, typer.Argument(help="A run folder, live or ended, or a folder of runs.")],
    host: Annotated[str, typer.Option(help="Where to listen; by default the loopback.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The page's port; 0 takes a free one.")] = 0,
) -> None:
    """Show a run: one page with its state and report, Optuna's dashboard, TensorBoard and a link to Ray's."""
    from dgm_cli.dashboard.follow import Follower, find_runs
    from dgm_cli.dashboard.page import Page
    from dgm_cli.dashboard.tools import TOOLS, Running, listening, reachable

    folders = find_runs(run)
    with (
        _stopping() as stop,
        listening(host, port) as bound,
        tempfile.TemporaryDirectory(prefix="dgm-dashboard-", ignore_cleanup_errors=True) as folder,
    ):
        workspace = Path(folder)
        follower = Follower(folders, workspace)
        left_out = [tool.missing for tool in TOOLS if tool.missing is not None]
        running: list[Running] = []
        page = Page(bound, host, follower.shown, running, left_out)
        page.start()
        messages.print(f"Page: http://{reachable(host)}:{page.port}/", soft_wrap=True)
        for sentence in left_out:
            messages.print(sentence, soft_wrap=True)
        try:
            running.extend(Running(tool, host, workspace) for tool in TOOLS if tool.missing is None)
            follower.start()
            for each in running:
                if not stop.is_set():
                    _tell(each, left_out)
            messages.print("Ctrl-C ends all of them.")
            stop.wait()
        finally:
            for each in running:
                each.stop()
            follower.stop()
            page.stop()


def _tell(each: Running, left_out: list[str]) -> None:
    """Prints a tool's address when it answers; one that does not is no reason to end the others."""
    try:
        each.wait()
    except ConfigurationError as error:
        left_out.append(str(error))
        messages.print(str(error), soft_wrap=True)
        return
    messages.print(f"{each.tool.name}: {each.address}", soft_wrap=True)


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that Ctrl-C, SIGTERM and a closed terminal set."""
    stop = threading.Event()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in signals}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
