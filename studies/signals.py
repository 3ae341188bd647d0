"""A process that is asked to end does so as after Ctrl-C: what is done is kept, one line says how to go on.

This module imports the standard library alone, so that a command can hear signals before it imports anything
else.  Three things keep an interrupt from being lost on its way.  Raised while a module is imported, it would
leave half of it behind, or be taken for a missing library: it waits until the import is over, and where
nothing is at stake yet the process just ends.  Raised in a hook (a finalizer, that of a fork), Python prints
and forgets it: it is sent again.  Raised in C code that clears errors, it is found by `check_asked`.
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
"""By a batch system, and by a terminal that is closed."""
_LATER_SECONDS = 0.05
_IMPORT_SECONDS = 20.0
"""For which an interrupt waits for an import at most."""
_SAME_SECONDS = 1.0
"""Within which a second signal is the same request: a terminal and a batch system may both send one."""


class _Heard:
    """What this process was asked, and what is at stake."""

    def __init__(self) -> None:
        self.since: float | None = None
        """When it was first asked to end, by the monotonic clock."""
        self.number = signal.SIGINT.value
        """Of the signal by which it was."""
        self.repeated = False
        """The signal that comes next is one that was sent again, by `_later`."""
        self.depth = 0
        """Of `terminable`."""
        self.command = False
        """The process is a command's alone, and may be ended from within."""
        self.ended = False
        """The command is over: nothing is left to interrupt."""
        self.replaced: Any = None
        """The handler of Ctrl-C that `_untaken` stands for."""
        self.hints: list[Callable[[], str]] = []
        """How to go on, of each `going_on` under way."""
        self.closing: list[Callable[[], None]] = []
        """What ends what this process has started."""


_heard = _Heard()


@contextmanager
def terminable(*, command: bool = False) -> Iterator[None]:
    """Raises KeyboardInterrupt in the body when the process is asked to end, or interrupted.

    A second request, a second after the first or later, ends a command at once.  A signal that is ignored, as
    under nohup, stays so, and a handler of someone's own for Ctrl-C too.  Python lets only the main thread
    see to signals.  command: the body is a whole command, after which the process ends.
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
            _heard.since = None
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
    """An interrupt of the body is an InterruptedStudyError whose sentence ends in how to go on.

    What is begun within something else that can be gone on with has the word of that.
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

    Tune takes Ctrl-C for itself: its handler sets an event and puts back what it replaced.  Nobody reads the
    event once the last trial has ended, so the handler that Tune finds is one that is seen to be put back.
    Tune is told to leave Ctrl-C alone by its environment variable TUNE_DISABLE_SIGINT_HANDLER.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGUSR1)}
    watched = callable(kept[signal.SIGINT])  # neither ignored, as under nohup, nor C's own
    if watched:
        _heard.replaced = kept[signal.SIGINT]
        signal.signal(signal.SIGINT, _untaken)
    taken = watched and not int(os.environ.get("TUNE_DISABLE_SIGINT_HANDLER", "0"))
    try:
        yield
        put_back = taken and signal.getsignal(signal.SIGINT) is _untaken
        if put_back and _heard.depth and _heard.since is None:
            _heard.since, _heard.number = time.monotonic(), signal.SIGINT.value
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@contextmanager
def closing(close: Callable[[], None]) -> Iterator[None]:
    """Has `close` called where an interrupt ends the process within the body, whose end it does not see."""
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
    interrupts = signal.getsignal(signal.SIGINT)
    if callable(interrupts) and interrupts not in (_hear, _untaken, signal.default_int_handler):
        interrupts(signal.SIGINT, frame)  # Tune's, which ends a search in order
        return
    if _importing(frame):
        if _heard.command and not _heard.hints:
            end()
        if now - _heard.since < _IMPORT_SECONDS:
            _later()
            return
    raise KeyboardInterrupt


def _untaken(number: int, frame: FrameType | None) -> None:
    """Stands where Tune looks for the handler before its own, and does what that would."""
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
