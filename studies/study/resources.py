"""What a trial needs of the machine that trains it."""

from __future__ import annotations

from dataclasses import dataclass

from dgm_core import ConfigurationError
from dgm_core.errors import counted, listed
from studies.study.strict import Positive, strict


@strict
@dataclass(frozen=True)
class Resources:
    """What each trial reserves."""

    cpus: Positive = 1.0
    """Processor cores."""
    gpus: float | None = None
    """A fraction of one GPU, or whole ones; null shares the available GPUs among the trials."""
    memory_gib: Positive | None = None
    """Memory in GiB; null reserves none."""
    timeout: Positive | None = None
    """Seconds without progress after which a trial counts as failed; null is ten times the estimate of its
    whole training, but at least ten minutes."""

    def __post_init__(self) -> None:
        if self.gpus is not None and not (0 <= self.gpus <= 1 or (self.gpus > 1 and self.gpus % 1 == 0)):
            raise ConfigurationError(
                f"gpus = {self.gpus} of a trial is not allowed: a fraction of one GPU, or whole ones."
            )

    @property
    def asked(self) -> dict[str, float]:
        """What a node must have for a trial, in Ray's names and units."""
        memory = None if self.memory_gib is None else self.memory_gib * 2**30
        amounts = {"CPU": self.cpus, "GPU": self.gpus, "memory": memory}
        return {name: amount for name, amount in amounts.items() if amount}

    def __str__(self) -> str:
        parts = [amount(self.cpus, "core")]
        if self.gpus:
            parts.append(amount(self.gpus, "GPU"))
        if self.memory_gib:
            parts.append(f"{self.memory_gib:g} GiB of memory")
        return listed(parts)


def amount(number: float, noun: str) -> str:
    """Whole ones as "2 cores", fractions as "0.5 GPU"."""
    return counted(int(number), noun) if float(number).is_integer() else f"{number:g} {noun}"
