"""SIGTERM and SIGHUP end a process as Ctrl-C does: finished work is kept, and one line says how to go on.

This module imports the standard library alone, so that a command can hear signals before it imports anything
else.  A KeyboardInterrupt can get lost in five places, and each has its remedy:

- During an import it would leave half a module behind, or look like a missing library.  It is sent again
  until the import is over (`_later`); a command with nothing to keep yet just ends.
- In a hook (a finalizer, or that of a fork) Python prints and forgets it.  It is sent again (`_unraisable`).
- In C code that clears errors it disappears.  `check_asked` raises it again.
- While Tune runs, Tune's handler takes it, and after the last trial nothing asks that handler any more.
  `handlers_kept` sees that it was called.
- Between steps that belong together, as the first line of a log and the guard that writes its last, it would
  leave a run that looks killed.  `unbroken` holds it back until they are done.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

from studies.errors import InterruptedStudyError

INTERRUPTED = 130
"""Exit code, as that of a shell's command after Ctrl-C."""
_ASKED_TO_END = (signal.SIGTERM, signal.SIGHUP)
"""Sent by a batch system, and by a terminal that is closed."""
_LATER_SECONDS = 0.05
_IMPORT_SECONDS = 20.0
"""The longest that an interrupt waits for an import."""
_SAME_SECONDS = 1.0
"""A second signal within this time is the same request: a terminal and a batch system may both send one."""


class _Heard:
    """What this process was asked, and what is at stake."""

    def __init__(self) -> None:
        self.since: float | None = None
        """When it was first asked to end, by the monotonic clock."""
        self.number = signal.SIGINT.value
        """The signal that asked."""
        self.repeated = False
        """Whether `_later` has sent the next signal: it is the same request, not a second one."""
        self.depth = 0
        """How many `terminable` are open, one within another."""
        self.whole = 0
        """How many `unbroken` are open, one within another."""
        self.waiting = False
        """A request came within `unbroken`, and is raised at its end."""
        self.command = False
        """The process runs one command only, so it may be ended from here."""
        self.ended = False
        """The command is over, so signals are ignored."""
        self.replaced: Any = None
        """The handler of Ctrl-C that `_before_tune` stands for."""
        self.hints: list[Callable[[], str]] = []
        """How to go on, from each open `going_on`."""
        self.closing: list[Callable[[], None]] = []
        """What ends the processes that this one has started."""


_heard = _Heard()


@contextmanager
def terminable(*, command: bool = False) -> Iterator[None]:
    """Raises KeyboardInterrupt in the body when the process is asked to end, or interrupted.

    A second request, at least a second after the first, ends a command at once.  Signals that are ignored, as
    under nohup, stay ignored, and someone else's handler of Ctrl-C stays.  Does nothing outside the main
    thread, since Python handles signals only there.  command: the body is a whole command, after which the
    process ends.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asks = (*_ASKED_TO_END, signal.SIGINT) if command else _ASKED_TO_END
    numbers = [number for number in asks if signal.getsignal(number) is not signal.SIG_IGN]
    if not command and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        numbers.append(signal.SIGINT)
    before = {number: signal.signal(number, _hear) for number in numbers}
    hook, sys.unraisablehook = sys.unraisablehook, _unraisable
    _heard.depth += 1
    _heard.command = _heard.command or command
    try:
        yield
    finally:
        _heard.depth -= 1
        if not _heard.depth:
            _heard.since, _heard.waiting = None, False
        if command:
            _heard.ended = True
            for number in before:  # Python gives handlers back before it ends, and what is ignored stays so
                signal.signal(number, signal.SIG_IGN)
        else:
            for number, handler in before.items():
                signal.signal(number, handler)
            sys.unraisablehook = hook


@contextmanager
def going_on(hint: Callable[[], str]) -> Iterator[None]:
    """Turns an interrupt of the body into an InterruptedStudyError that says how to go on.

    Of several, one within another, the outermost has the last word.
    """
    _heard.hints.append(hint)
    try:
        yield
    except (KeyboardInterrupt, InterruptedStudyError):
        raise InterruptedStudyError(f"interrupted; {hint()}") from None
    finally:
        _heard.hints.pop()


@contextmanager
def handlers_kept() -> Iterator[None]:
    """After the body signals are heard as before, and Ctrl-C within it counts as asked (see `asked`).

    Tune installs its own handler of Ctrl-C, which sets an event and restores the handler before it.  Once the
    last trial has ended nothing reads that event.  Therefore Tune is given `_before_tune` to restore: if it
    is back in place, Ctrl-C was pressed.  With TUNE_DISABLE_SIGINT_HANDLER set, Tune installs none.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGUSR1)}
    watched = callable(kept[signal.SIGINT])  # neither ignored, as under nohup, nor C's own
    if watched:
        _heard.replaced = kept[signal.SIGINT]
        signal.signal(signal.SIGINT, _before_tune)
    taken = watched and not int(os.environ.get("TUNE_DISABLE_SIGINT_HANDLER", "0"))
    try:
        yield
        put_back = taken and signal.getsignal(signal.SIGINT) is _before_tune
        if put_back and _heard.depth and _heard.since is None:
            _heard.since, _heard.number = time.monotonic(), signal.SIGINT.value
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@contextmanager
def unbroken() -> Iterator[None]:
    """A request to end that comes within the body is raised at its end, so that the body is done in whole.

    A second request, at least a second after the first, still ends a command at once.
    """
    _heard.whole += 1
    try:
        yield
    finally:
        _heard.whole -= 1
    if not _heard.whole and _heard.waiting:
        _heard.waiting = False
        raise KeyboardInterrupt


@contextmanager
def closing(close: Callable[[], None]) -> Iterator[None]:
    """Calls `close` if an interrupt ends the process during the body, which then has no chance to do it."""
    _heard.closing.append(close)
    try:
        yield
    finally:
        _heard.closing.remove(close)


def check_asked() -> None:
    """Raises KeyboardInterrupt where this process was asked to end within `terminable`, and goes on."""
    if _heard.since is not None:
        raise KeyboardInterrupt


def asked() -> bool:
    """Whether this process was asked to end within `terminable`."""
    return _heard.since is not None


def _hear(number: int, frame: FrameType | None) -> None:
    """The handler: notes the request, passes it to Tune while Tune runs, and raises KeyboardInterrupt."""
    if _heard.ended:
        return
    repeated, _heard.repeated = _heard.repeated, False
    now = time.monotonic()
    if _heard.since is None:
        _heard.since, _heard.number = now, number
    elif not repeated:
        if now - _heard.since < _SAME_SECONDS:
            return
        if _heard.command:
            end()
    tunes = signal.getsignal(signal.SIGINT)
    if callable(tunes) and tunes not in (_hear, _before_tune, signal.default_int_handler):
        tunes(signal.SIGINT, frame)  # ends the search in order
        return
    if _heard.whole:
        _heard.waiting = True
        return
    if _importing(frame):
        if _heard.command and not _heard.hints:
            end()
        if now - _heard.since < _IMPORT_SECONDS:
            _later()
            return
    raise KeyboardInterrupt


def _before_tune(number: int, frame: FrameType | None) -> None:
    """Put where Tune finds the handler that it will restore: does what the handler before it does."""
    if callable(_heard.replaced):
        _heard.replaced(number, frame)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _later() -> None:
    """Sends the signal again in a moment."""

    main = threading.main_thread().ident or 0

    def send() -> None:
        _heard.repeated = True
        with suppress(ProcessLookupError):
            signal.pthread_kill(main, _heard.number)

    timer = threading.Timer(_LATER_SECONDS, send)
    timer.daemon = True
    timer.start()


def _unraisable(lost: Any) -> None:
    """Python's hook for what is raised where nobody can catch it."""
    if lost.exc_type is KeyboardInterrupt and _heard.since is not None:
        _later()
    else:
        sys.__unraisablehook__(lost)


def _sentence() -> str:
    return f"interrupted; {_heard.hints[0]()}" if _heard.hints else "interrupted."


def end() -> NoReturn:
    """Ends the process here and now, with a line on how to go on."""
    for close in reversed(_heard.closing):
        with suppress(Exception):
            close()
    with suppress(OSError):
        os.write(2, f"dgm: {_sentence()}\n".encode())
    os._exit(INTERRUPTED)
