"""What an objective beside the error is to a search: a cost to make small, known from a setup alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from dgm_core import Setup


class Aim(ABC):
    """Follows from the setup, and from no measurement, so that a front is the same on every machine.

    name: as `Search.objectives` and columns have it.
    """

    name: ClassVar[str]

    @abstractmethod
    def value(self, setup: Setup, replicates: int) -> float:
        """Of a training of all replicates at once."""
