"""`dgm dashboard`: a page, Optuna's dashboard and TensorBoard on a run, and a link to Ray's."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import psutil
import typer

from dgm_cli.common import messages
from dgm_cli.places import here
from dgm_core.errors import ConfigurationError

if TYPE_CHECKING:
    from dgm_cli.dashboard.tools import Running

_PREFIX = "dgm-dashboard-"


def dashboard(
    run: Annotated[str, typer.Argument(help="A run folder, a folder of runs, or s3://… of a run's copy.")],
    host: Annotated[
        str, typer.Option(help="Address to listen on (default: this machine only).")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.")] = 0,
) -> None:
    """Show a run in the browser: its state and report, and the installed dashboards.

    These are Optuna's, TensorBoard, Prometheus and Grafana.
    """
    from dgm_cli.dashboard.monitoring import GRAFANA, PAGE, PROMETHEUS
    from dgm_cli.dashboard.tools import OPTUNA, TENSORBOARD, Running, Workspace, listening, reachable

    tools = (OPTUNA, TENSORBOARD, PROMETHEUS, GRAFANA)

    folders = _find_runs(here(run))
    with (
        _stopping() as stop,
        listening(host, port) as bound,
        tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True) as folder,
    ):
        _sweep()
        from dgm_cli.dashboard.follow import Follower
        from dgm_cli.dashboard.page import Page
        from dgm_cli.dashboard.server import Server

        workspace = Workspace(Path(folder))
        follower = Follower(folders, workspace.folder)
        missing = {tool.name: reason for tool in tools if (reason := tool.missing()) is not None}
        left_out = list(missing.values())
        running: list[Running] = []
        server = Server(Page(follower.shown, running, left_out), host, bound)
        server.start()
        workspace.addresses[PAGE] = f"http://{reachable(host)}:{server.port}"
        messages.print(f"{PAGE}: {workspace.addresses[PAGE]}/", soft_wrap=True)
        for sentence in left_out:
            messages.print(sentence, soft_wrap=True)
        try:
            running.extend(Running(tool, host, workspace) for tool in tools if tool.name not in missing)
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
            server.stop()


def _sweep() -> None:
    """Removes the folders of dashboards that were killed and could not do so."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        pid = path.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(path, ignore_errors=True)


def _tell(each: Running, left_out: list[str]) -> None:
    """Prints a tool's address when it answers; one that does not is no reason to end the others."""
    try:
        each.wait()
    except ConfigurationError as error:
        left_out.append(str(error))
        messages.print(str(error), soft_wrap=True)
        return
    messages.print(f"{each.tool.name}: {each.address}", soft_wrap=True)


def _find_runs(path: Path) -> dict[str, Path]:
    """The run in a folder, or all those below it, by name.  Raises ConfigurationError where there is none."""
    from studies.records import STUDY
    from studies.records.overview import runs

    root = path.resolve()
    if (root / STUDY).is_file():
        return {f"{root.parent.name}/{root.name}": path}
    folders = {str(run.relative_to(root)): run for run in runs(root)} if root.is_dir() else {}
    if not folders:
        raise ConfigurationError(f"{path} is not a run: it holds no {STUDY}, and no folder in it does.")
    return folders


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
