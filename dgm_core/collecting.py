"""Imports without the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """A block that imports much, and in which no garbage is looked for.

    What modules define stays, and the collector would look at all of it again and again, a tenth of the time
    that the import takes.  Afterwards it never looks at it any more.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.enable()
