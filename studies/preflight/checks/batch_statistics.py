"""Normalisation over the batch inside derivatives."""

from __future__ import annotations

from collections.abc import Iterator

from studies.preflight.finding import Check, Level
from studies.preflight.question import Question


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    if not question.orders:
        return
    for label, setup in question.setups.items():
        if setup.config.batch_norm != "none":
            yield (
                "warning",
                f"With {label} each output depends on all points of its mini-batch (batch_norm = "
                f"{setup.config.batch_norm!r}).",
                "The derivatives in the residual are then not those of the function that is evaluated.",
                "Use batch_norm = 'none', unless it is what the study compares.",
            )
            return


BATCH_STATISTICS = Check("batch-statistics", "batch normalisation inside derivatives", _examine)
