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
_asked = threading.Event()
_depth = 0


@contextmanager
def terminable() -> Iterator[None]:
    """Raises KeyboardInterrupt in the body when the process is asked to end, or interrupted.

    A signal that is ignored, as under nohup, stays so, and a handler of someone's own for Ctrl-C too.  Python
    lets only the main thread see to signals.
    """
    global _depth
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: _end for number in _ASKED_TO_END if signal.getsignal(number) is not signal.SIG_IGN}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        handlers[signal.SIGINT] = _interrupt
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if not _depth:
            _asked.clear()
        for number, handler in before.items():
            signal.signal(number, handler)


def check_asked() -> None:
    """Raises KeyboardInterrupt where this process was asked to end within `terminable`, and goes on.

    What a handler raises is lost where Python runs it in a hook, as in that of a fork.
    """
    if _asked.is_set():
        raise KeyboardInterrupt


def _end(number: int, frame: FrameType | None) -> None:
    _asked.set()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a script
        raise KeyboardInterrupt
    os.kill(os.getpid(), signal.SIGINT)


def _interrupt(number: int, frame: FrameType | None) -> None:
    _asked.set()
    raise KeyboardInterrupt
