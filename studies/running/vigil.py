"""Watches a training in this process: told when it says nothing for a while, ended after longer."""

from __future__ import annotations

import faulthandler
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from studies.planning.clock import told_after
from studies.trials.watchdog import Watchdog

_GRACE_SECONDS = 10.0
"""For what hangs to come back to Python once it is to end."""


class HungError(BaseException):
    """A training made no progress for longer than it may; no `except Exception` on the way takes it."""


class Vigil:
    """Over a training in the main thread, which says that it is there by `heard`.

    seconds: that it may say nothing.  tell: called, from another thread, with how long it has said nothing,
    and with 0 when it is heard again.  give_up: called so, with the trace of all threads, where what hangs
    does not come back to Python either, and expected to end the process; without it such a training goes on
    hanging.  trace: a file for that trace.
    """

    def __init__(
        self,
        seconds: float,
        tell: Callable[[float], None],
        *,
        give_up: Callable[[str], None] | None = None,
        trace: Path,
    ) -> None:
        self._seconds = seconds
        self._tell = tell
        self._give_up = give_up
        self._trace = trace
        # Python code that takes no signal ends by this thread; what holds the interpreter, by that of C.
        self._dog = Watchdog(seconds + 2 * _GRACE_SECONDS, trace) if give_up is not None else None
        self._last = time.monotonic()
        self._told = False
        self._over = threading.Event()
        self._pat: Callable[[], None] = lambda: None

    def heard(self) -> None:
        """The training has made progress."""
        self._last = time.monotonic()
        self._pat()
        if self._told:
            self._told = False
            self._tell(0.0)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Watches the body, which raises HungError where it hangs; nothing outside of the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGALRM, self._end)
        thread = threading.Thread(target=self._watch, name="vigil", daemon=True)
        try:
            with ExitStack() as stack:
                if self._dog is not None:
                    stack.enter_context(self._dog.watching())
                    self._pat = self._dog.pat
                self.heard()
                thread.start()
                yield
        finally:
            self._over.set()
            thread.join()
            signal.signal(signal.SIGALRM, before)

    def _watch(self) -> None:
        """Until the body is over."""
        limit = told_after(self._seconds)
        asked = False
        while not self._over.wait(max(0.01, min(1.0, limit / 4.0))):
            silent = time.monotonic() - self._last
            if silent >= limit and not self._told:
                self._told = True
                self._tell(silent)
            if silent >= self._seconds and not asked:
                asked = True
                main = threading.main_thread().ident
                if main is not None:
                    signal.pthread_kill(main, signal.SIGALRM)
            if silent >= self._seconds + _GRACE_SECONDS and self._give_up is not None:
                with open(self._trace, "w+") as file:
                    faulthandler.dump_traceback(file)
                    file.seek(0)
                    self._give_up(file.read())

    def _end(self, number: int, frame: FrameType | None) -> None:
        if not self._over.is_set():
            raise HungError
