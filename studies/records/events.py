"""What happens in a study, an event each: the lines of a run's log.

A study's state is the fold of its events (`studies.records.history`).  Events that say what happened
outside (`Reported`, `Failed`, `Cut`) and what a sampler drew (`Suggested`) cannot be worked out again; the
others follow from them, and are logged because a reader should not need the program to see what was decided.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

Status = Literal["completed", "stopped", "diverged", "failed", "interrupted"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Replicates(_Record):
    """Of each replicate, in the order of the seeds; None where a number is not finite."""

    status: list[str]
    scores: list[float | None]
    errors: dict[str, list[float | None]]
    mae_batch_statistics: list[float | None] | None = None
    losses: list[list[float | None]]  # (K, 1 + T): the total, then each term
    diverged_at: list[int | None]
    reasons: list[str | None] = []
    """Why a replicate diverged, in words."""
    constants: dict[str, list[float | None]] = {}
    """The problem's trained constants by name."""

    @model_validator(mode="after")
    def _as_many_of_each(self) -> Replicates:
        lengths = {len(self.scores), len(self.losses), len(self.diverged_at)}
        lengths |= {len(values) for each in (self.errors, self.constants) for values in each.values()}
        lengths |= {len(values) for values in (self.reasons, self.mae_batch_statistics) if values}
        if lengths != {len(self.status)}:
            raise ValueError(f"each must have one value a replicate, {len(self.status)} in all")
        if len({len(each) for each in self.losses}) > 1:
            raise ValueError("each replicate must have as many losses")
        return self


class Telemetry(_Record):
    """How a trial's worker does its work: measured, and so another each time a study is run.

    Over the time since the worker began the trial, or took it up again.
    """

    iterations_per_second: float
    memory_mib: float
    """Resident memory of the worker's process now, MiB."""
    evaluation_share: float
    """Of that time, spent in evaluating and not in training: 0 … 1."""
    processor_share: float | None = None
    """Processor time of the worker's process for each second of training: 1 is a core to itself.  None in
    older logs."""


class Metrics(_Record):
    """A trial as measured at one of its iterations.

    score: the median over replicates, in which a diverged one counts as the worst; None where that is not
    finite.  final: whether the trial is at its own end.  seconds: of training so far.  telemetry: None where
    the worker had done nothing yet, and in logs of version 1.
    """

    iterations: int
    score: float | None
    final: bool
    loss: float | None
    seconds: float
    parameters: int
    replicates: Replicates
    telemetry: Telemetry | None = None
    notes: list[str] = []
    """What there is to say of how the training runs, a sentence each."""

    @property
    def value(self) -> float:
        """The score, infinite where it is not finite."""
        return math.inf if self.score is None else self.score

    @property
    def diverged(self) -> bool:
        """Whether at least half of the replicates are."""
        lost = sum(status == "diverged" for status in self.replicates.status)
        return lost > 0 and 2 * lost >= len(self.replicates.status)


class _Event(_Record):
    time: float = 0.0
    """Seconds since the epoch."""


class Began(_Event):
    """A process took the study up: the first, or one that resumes it."""

    event: Literal["began"] = "began"
    version: int
    process: int
    host: str


class Opened(_Event):
    """Ray has started for the process that took the study up, and shows its dashboard at an address."""

    event: Literal["opened"] = "opened"
    dashboard: str


class ScheduleStep(_Record):
    """Settings that a training has from an iteration on: those that change on its way, all of them."""

    iteration: int
    settings: dict[str, Any]


class Suggested(_Event):
    """A trial, whole: what it is to train, and where its checkpoint is (under `checkpoints/`)."""

    event: Literal["suggested"] = "suggested"
    trial: str
    phase: str
    arm: str | None
    first: int
    seeds: list[int]
    changes: dict[str, Any]  # from the setup that the study names `key`
    key: str
    setup: dict[str, Any]  # problem and configuration, to train it again
    config: dict[str, Any]  # the same, flat
    folder: str = Field(pattern=r"^[\w-]+$")  # of its own: no way leads out of the run
    polish: float = 0.0  # nominal cost of a time window's polish, in optimizer steps
    costs: dict[str, float] = {}  # objectives but for the error, where the search has several
    constraints: dict[str, float] = {}  # by name, none above 0
    same_as: str | None = None  # the earlier trial of the same setup, whose results it takes
    schedule: list[ScheduleStep] = []  # where settings change on the way; the last is as in setup

    @model_validator(mode="before")
    @classmethod
    def _of_older_runs(cls, values: Any) -> Any:
        """What a winner is compared with was called reference before schema version 3."""
        if isinstance(values, dict) and values.get("phase") == "confirm" and values.get("arm") == "reference":
            return {**values, "arm": "baseline"}
        return values

    @model_validator(mode="after")
    def _of_a_size(self) -> Suggested:
        for name in ("iterations", "batch_size"):
            if not isinstance(self.config.get(name), int):
                raise ValueError(f"config.{name} is missing or not an integer")
        return self


class Reported(_Event):
    """A trial reached a rung or its own end."""

    event: Literal["reported"] = "reported"
    trial: str
    metrics: Metrics


class Decided(_Event):
    """A look of the early stopping; `cutoff` is None while the rung has nothing to compare with."""

    event: Literal["decided"] = "decided"
    trial: str
    rung: int
    score: float | None
    cutoff: float | None
    bounded: bool  # false: the cutoff is infinite
    recorded: int
    stopped: bool


class Exploited(_Event):
    """A trial of a population took over another's weights and settings, and goes on with some changed.

    dropped: the iterations it had trained, whose weights are gone.  iteration: that of the source's state.
    The other fields as in `Suggested`, from now on; the schedule has the source's settings up to here.
    """

    event: Literal["exploited"] = "exploited"
    trial: str
    source: str
    iteration: int
    dropped: int
    origin: str = Field(pattern=r"^[\w-]+$")  # the folder of the source's state
    changes: dict[str, Any]
    setup: dict[str, Any]
    config: dict[str, Any]
    folder: str = Field(pattern=r"^[\w-]+$")
    schedule: list[ScheduleStep]


class Paused(_Event):
    """A trial gave up its worker at a rung, until its scheduler has it go on or stops it."""

    event: Literal["paused"] = "paused"
    trial: str
    iterations: int


class Resumed(_Event):
    """A trial that was paused goes on."""

    event: Literal["resumed"] = "resumed"
    trial: str


class Retried(_Event):
    """A trial whose worker was lost, or that raised, went back to its last checkpoint."""

    event: Literal["retried"] = "retried"
    trial: str
    error: str


class Silent(_Event):
    """A trial's worker has said nothing for so many seconds; 0 where it was heard again."""

    event: Literal["silent"] = "silent"
    trial: str
    seconds: float


class Polishing(_Event):
    """A trial polishes a time window, after so many iterations: `done` of `of` polish steps."""

    event: Literal["polishing"] = "polishing"
    trial: str
    iterations: int
    done: int
    of: int


class Failed(_Event):
    """A trial was given up; its traceback is in `failures/`."""

    event: Literal["failed"] = "failed"
    trial: str
    error: str
    traceback: str | None = None  # a file name


class Ended(_Event):
    """A trial is over, with the status that the tables give it."""

    event: Literal["ended"] = "ended"
    trial: str
    status: Status
    iterations: int
    rung: int | None = None


class Cut(_Event):
    """The search's time limit was reached: no more suggestions, and what runs is interrupted."""

    event: Literal["cut"] = "cut"


class Left(_Event):
    """The process let go of the study: `state` as in study.json, `measured` the trials that still ran."""

    event: Literal["left"] = "left"
    state: str
    measured: dict[str, Metrics] = {}


Event = (
    Began
    | Opened
    | Suggested
    | Reported
    | Decided
    | Exploited
    | Paused
    | Resumed
    | Retried
    | Silent
    | Polishing
    | Failed
    | Ended
    | Cut
    | Left
)

EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])
