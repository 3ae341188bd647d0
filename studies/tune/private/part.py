"""A part of Ray that is not promised: whether it is as this program knows it, and what happens without."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

SWITCH = "DGM_RAY_PUBLIC"
"""Environment variable: the parts not to use, separated by commas; "all" for all of them."""


@dataclass(frozen=True)
class PrivatePart:
    """One private part of Ray.

    without: how a study runs where it is not usable, in words.  check: whether Ray has all that is used; a
    lookup that fails counts as no.
    """

    name: str
    without: str
    check: Callable[[], bool]

    @property
    def wanted(self) -> bool:
        """Whether the environment leaves it on."""
        off = {name.strip() for name in os.environ.get(SWITCH, "").split(",")}
        return not off & {self.name, "all"}

    @property
    def usable(self) -> bool:
        """Whether it is wanted, and Ray has it as this program knows it."""
        return self.wanted and _checked(self)


@cache
def _checked(part: PrivatePart) -> bool:
    try:
        return part.check()
    except (ImportError, AttributeError, TypeError, ValueError):
        return False
