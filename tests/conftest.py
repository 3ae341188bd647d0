"""What all tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType

import pytest
from hypothesis import HealthCheck, settings

import dgm_cli  # noqa: F401 before NumPy: one thread for linear algebra, as in every command
from dgm_core import extensions

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
