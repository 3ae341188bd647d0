"""A process that is asked to end does so as after Ctrl-C: what is done is kept."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ASKED_TO_END = (signal.SIGTERM, signal.SIGHUP)
"""By a batch system, and by a terminal that is closed."""


@contextmanager
def terminable() -> Iterator[None]:
    """Raises KeyboardInterrupt in the body when the process is asked to end.

    A signal that is ignored, as under nohup, stays so.  Python lets only the main thread see to signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [number for number in _ASKED_TO_END if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, _interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGINT)
