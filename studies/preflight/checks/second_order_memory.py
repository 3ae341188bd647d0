"""Second-order methods whose matrices do not fit the memory that is free."""

from __future__ import annotations

from collections.abc import Iterator

import psutil

from dgm_core import Setup
from dgm_core.training.memory import needs
from studies.preflight.finding import Check, Level
from studies.preflight.question import Question
from studies.records.words import counted

_GIB = 2**30


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    replicates = 1 if isinstance(question.asked, Setup) else question.asked.replicates
    large = [
        (need.bytes, label, need)
        for label, setup in question.setups.items()
        for need in needs(setup, replicates)
    ]
    if not large:
        return
    size, label, need = max(large, key=lambda entry: entry[0])
    free = psutil.virtual_memory().available
    together = question.cores if not isinstance(question.asked, Setup) else 1
    if size * together <= free:
        return
    alone = size > free
    what = (
        f"With {label} {need.optimizer!r} needs about {size / _GIB:.1f} GiB for "
        f"{counted(need.parameters, 'parameter')} and {counted(need.residuals, 'residual')}"
    )
    yield (
        "error" if alone else "warning",
        f"{what}; {free / _GIB:.1f} GiB are free."
        if alone
        else f"{what}, and {counted(together, 'training')} at once {size * together / _GIB:.1f} GiB; "
        f"{free / _GIB:.1f} GiB are free.",
        "It would be ended by the operating system.",
        "Lower width, batch_size, polish_points or replicates"
        + ("." if alone else ", or train fewer at once."),
    )


SECOND_ORDER_MEMORY = Check(
    "second-order-memory", "a second-order method that does not fit the free memory", _examine
)
