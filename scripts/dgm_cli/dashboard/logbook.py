"""A run's log as a page has it: what happened, a line each, the last first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from studies.records.events import (
    Began,
    Decided,
    Ended,
    Event,
    Exploited,
    Failed,
    Left,
    Opened,
    Polishing,
    Reported,
    Retried,
    Silent,
    Suggested,
)
from studies.records.words import clock, number

SHOWN = 1000
"""Lines of a page."""


@dataclass(frozen=True)
class Line:
    """An event: when it was, of which trial (empty: of the study), and what it says."""

    time: str
    event: str
    trial: str
    said: str


def lines(events: Sequence[Event], shown: int = SHOWN) -> list[Line]:
    """The last events, the newest first."""
    return [
        Line(
            datetime.fromtimestamp(event.time).strftime("%Y-%m-%d %H:%M:%S"),
            event.event,
            getattr(event, "trial", ""),
            said(event),
        )
        for event in reversed(events[-shown:])
    ]


def said(event: Event) -> str:
    """What an event says beyond its name and its trial."""
    match event:
        case Began():
            return f"process {event.process} on {event.host}"
        case Opened():
            return f"Ray's dashboard is at {event.dashboard}"
        case Suggested():
            return _pairs(event.changes.items()) or event.phase
        case Reported(metrics=told):
            last = ", at its end" if told.final else ""
            return f"iteration {told.iterations:,}{last}: {number(told.value)}, loss {_number(told.loss)}"
        case Decided():
            had = "nothing to compare with" if event.cutoff is None else f"to beat {number(event.cutoff)}"
            end = "stopped" if event.stopped else "goes on"
            return f"rung {event.rung:,}: {_number(event.score)}, {had}: {end}"
        case Exploited():
            settings = _pairs(event.changes.items())
            return f"goes on from {event.source} at iteration {event.iteration:,}: {settings}"
        case Polishing():
            return f"iteration {event.iterations:,}: step {event.done:,} of {event.of:,}"
        case Silent():
            return f"for {clock(event.seconds)}" if event.seconds else "heard again"
        case Retried() | Failed():
            return event.error
        case Ended():
            return f"{event.status} at iteration {event.iterations:,}"
        case Left():
            return event.state
        case _:
            return ""


def _pairs(values: Iterable[tuple[str, object]]) -> str:
    return ", ".join(
        f"{key} {f'{value:.4g}' if isinstance(value, float) else value}" for key, value in values
    )


def _number(value: float | None) -> str:
    return "∞" if value is None else number(value)
