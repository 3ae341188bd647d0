"""What all tests share."""

from __future__ import annotations

import signal
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

import dgm_cli  # noqa: F401 before NumPy: one thread for linear algebra, as in every command
from dgm_core import extensions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SECONDS = Path(__file__).with_name("seconds.txt")
"""Lines of a whole number of seconds and a file; what takes less than three is left out."""

# The same examples in every run, so that one run says what the next will, however busy the machine; new
# ones are drawn with --hypothesis-profile=default.
settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")


def _survive(number: int, frame: FrameType | None) -> None:
    """Does nothing, as if the signal were ignored, but the processes that tests start do not inherit it."""


# What is ignored here, as under nohup or after & in a script, would also be ignored in the processes that
# tests start and then interrupt.  A terminal that is closed still does not end tests that nohup started.
for _number, _handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGTERM, signal.SIG_DFL),
    (signal.SIGHUP, _survive),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first: else one process works at them after the other has ended.

    pytest-xdist hands out files in this order (`--no-loadscope-reorder`).
    """
    seconds = _noted()
    items.sort(key=lambda item: -seconds.get(item.nodeid.partition("::")[0], 0))


def _noted() -> dict[str, float]:
    lines = (line.split() for line in _SECONDS.read_text(encoding="utf-8").splitlines())
    return {name: float(number) for number, name in lines}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-seconds", action="store_true", help=f"note how long files take in {_SECONDS.name}"
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Notes how long each file took, in all the processes together, where that is asked for."""
    if not config.getoption("--write-seconds"):
        return
    seconds: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid.partition("::")[0]] += report.duration
    noted = {**_noted(), **seconds}  # those of files that were not run stay
    longest = sorted(noted, key=lambda name: (-round(noted[name]), name))
    lines = [f"{round(noted[name]):4d} {name}\n" for name in longest if noted[name] >= 3]
    _SECONDS.write_text("".join(lines), encoding="utf-8")


@pytest.hookimpl(tryfirst=True)  # before fixtures of modules
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test draws the same whatever its process ran before it, which pytest-xdist decides by the clock."""
    import numpy as np  # after dgm_cli
    import torch

    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 (the global generator is the point)


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that a test makes leave their marks in a folder of its own (see `studies.trust`)."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))


@pytest.fixture
def own_files() -> Iterator[None]:
    """Forgets the user's files that a test loads."""
    yield
    extensions.unload()


_BLANK = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
"""A PNG of one pixel."""


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports of this process have their figures made, but not rendered, which takes longer than all else."""
    from analysis.plots import shared, style  # after dgm_cli

    def blank(made: Figure, folder: Path, name: str, formats: Sequence[str] = ("png", "pdf")) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in formats:
            (folder / f"{name}.{kind}").write_bytes(_BLANK)
        return [folder / f"{name}.{kind}" for kind in formats]

    monkeypatch.setattr(style, "save", blank)
    monkeypatch.setattr(shared, "available_cores", lambda: 1)  # other processes would render them


_AT_FIRST = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}


def _hear_as_at_first() -> None:
    for number, handler in _AT_FIRST.items():
        if handler is not None:  # C's own, which Python cannot put back
            signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _signals_are_heard_as_before() -> Iterator[None]:
    """A test that leaves a signal ignored breaks those after it, far from where it happened.

    Processes inherit what is ignored, so that they could not be interrupted either.  Tune leaves a handler of
    its own behind, in a test or in what the tests of a file share, which is taken back here.
    """
    _hear_as_at_first()
    yield
    ignored = {number for number in _AT_FIRST if signal.getsignal(number) is signal.SIG_IGN}
    _hear_as_at_first()
    assert ignored == {number for number, handler in _AT_FIRST.items() if handler is signal.SIG_IGN}
