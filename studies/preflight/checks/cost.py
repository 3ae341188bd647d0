"""Time, memory and disk, estimated before they are spent."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psutil

from dgm_core import Setup
from dgm_core.networks import count_parameters
from dgm_core.training.solution import Solution
from studies.cost import training_times
from studies.preflight.finding import Check, Level
from studies.preflight.question import Question
from studies.records.words import counted
from studies.study import Search

_LONG = 600.0
"""Seconds from which a run says at its start how long it may take."""
_STREAM_BYTES = 4 * 3
"""float32, and about three copies of each layer's values: forward, backward, their gradients."""


def training_seconds(setup: Setup, replicates: int) -> float:
    """Of one core, by the logical clock: a factor of two either way is usual."""
    (milliseconds,) = training_times(setup, replicates, (setup.config.iterations,))
    return 1e-3 * milliseconds


def training_bytes(setup: Setup, replicates: int, streams: int) -> float:
    """Working memory of one training: points × units × streams, and the weights with their moments."""
    config = setup.config
    points = sum(region.count(config.batch_size) for region in setup.problem.regions().values())
    if config.polish_iterations:
        points = max(points, config.polish_points * len(setup.problem.regions()))
    weights = count_parameters(Solution(setup, [0]))
    return replicates * (
        points * config.width * (config.depth + 1) * streams * _STREAM_BYTES + weights * 4.0 * 8.0
    )


def study_seconds(question: Question) -> float:
    """Of one core, if nothing is stopped early: the mean over the setups times the number of trainings."""
    setups = question.setups
    asked = question.asked
    if isinstance(asked, Setup):
        return training_seconds(asked, 1)
    if isinstance(asked, Search):
        trial = sum(training_seconds(setup, asked.replicates) for setup in setups.values()) / len(setups)
        steps = len(asked.space) if asked.explain else 0
        confirmed = (1 + asked.confirm_top + steps) * trial / asked.replicates * asked.confirmations
        return (1 + asked.audit) * asked.trials * trial + confirmed
    rates = len(asked.rates) + 1 if asked.tuned_rate else 1
    return rates * sum(training_seconds(setup, asked.replicates) for setup in setups.values())


def words(seconds: float) -> str:
    """A rough duration: "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def study_time(question: Question) -> str:
    """The estimate in words."""
    seconds = study_seconds(question)
    if isinstance(question.asked, Setup):
        return f"About {words(seconds)} of one core for each seed."
    said = f"About {words(seconds)} of one core if nothing is stopped early"
    if question.cores > 1:
        said += f", so {words(seconds / question.cores)} on {counted(question.cores, 'core')}"
    limit = question.search.time_limit if question.search else None
    return f"{said}; the search is cut after {words(limit)}." if limit else f"{said}."


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    long = study_seconds(question) / question.cores > _LONG
    remedy = "With --notify CMD a command is called at its end." if long else ""
    yield "notice" if long else "note", study_time(question), "", remedy
    replicates = 1 if isinstance(question.asked, Setup) else question.asked.replicates
    streams = 1 + sum(question.orders.values()) if question.orders else 2
    label, largest = max(
        ((label, training_bytes(setup, replicates, streams)) for label, setup in question.setups.items()),
        key=lambda pair: pair[1],
    )
    memory = psutil.virtual_memory().total
    if largest > memory:
        yield (
            "error",
            f"With {label} a training needs about {largest / 2**30:.0f} GiB of memory; "
            f"this machine has {memory / 2**30:.0f} GiB.",
            "It would be ended by the operating system.",
            "Lower batch_size, polish_points, width or replicates.",
        )
    elif largest * question.cores > 0.8 * memory:
        yield (
            "warning",
            f"With {label} a training needs about {largest / 2**30:.1f} GiB, and "
            f"{question.cores} run at once on {memory / 2**30:.0f} GiB.",
            "The machine may run out of memory.",
            "Lower batch_size, polish_points, width or replicates, or use fewer --cores.",
        )
    if isinstance(question.asked, Setup):
        return
    rows = max(setup.config.iterations for setup in question.setups.values()) * replicates
    trials = question.search.trials if question.search else len(question.setups)
    disk = rows * trials * 4.0 * (len(question.base.problem.terms) + 4)
    free = psutil.disk_usage(os.getcwd()).free
    if disk > 0.5 * free:
        yield (
            "warning",
            f"The learning curves may take {disk / 2**30:.1f} GiB; {free / 2**30:.1f} GiB are free here.",
            "A full disk ends the study (what was recorded is kept).",
            "Make room, choose another --out, or ask for fewer iterations.",
        )


COST = Check("cost", "time, memory and disk", _examine)
