"""What a run leaves on disk: file names, columns and types.

This module knows neither torch nor ray, so that an analysis needs only the run folder.

trials.parquet     a row for each trial and replicate
curves.parquet     a row for each trial, replicate and iteration, and for each step of a polish
decisions.parquet  a row for each look of the early stopping at a trial on a rung
solutions.parquet  a row for each confirmed (or ablated) trial, replicate and evaluation point
study.json         the resolved study: question, configuration, seeds, versions, machine, outcome
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

SCHEMA = 4
"""Of 2: the score has a name of its own, `metric`; curves hold it as `score`, where 1 had `mae`.

Of 3: trials have the score as `score`, with its `metric` beside it; what a winner is compared with is the
baseline, where 2 had `reference`.

Of 4: curves have the steps of a polish as rows of their own, which `polish` counts.
"""

State = Literal["running", "finished", "interrupted", "failed"]
"""Of a study: failed where the runner raised, or where a confirmation did."""

STUDY = "study.json"
TRIALS = "trials.parquet"
CURVES = "curves.parquet"
DECISIONS = "decisions.parquet"
SOLUTIONS = "solutions.parquet"
OPTUNA = "optuna.db"
RAY = "ray"
CHECKPOINTS = "checkpoints"
PIECES = "curves"
FAILURES = "failures"
SOURCES = "sources"
MODELS = "models"
TABLES = "tables"
FIGURES = "figures"
REPORT = "report.html"

AFTER = ("confirm", "rivals", "front", "audit", "path", "revived")
"""Phases of a search that come after it (see `studies.planning.plans`)."""

CONSTANT = "constant/"
"""Prefix of the columns that hold a problem's trained constants."""
OBJECTIVE = "objective/"
"""Prefix of the columns that hold the objectives of a search beside the error."""
SAME_AS = "same_as"
"""Column with the earlier trial whose results a trial takes; there only where one does."""
SCHEDULE = "schedule"
"""Column with the settings that changed on a trial's way, as JSON; there only where any did."""
EXPLOITS = "exploits"
"""Column with the trials that a trial took over, and when, as JSON; there only where one did."""
CONFIG = "config/"
"""Prefix of the columns that hold a trial's settings."""
WEIGHTS = "loss_weights"
"""The setting that holds the weights of all terms; `loss_weights.TERM` is that of one."""
WEIGHT_PREFIX = WEIGHTS + "."

TRIAL_COLUMNS: dict[str, str] = {
    "phase": "string",  # search, confirm, ablation, tune, solve, or one of AFTER
    "trial": "string",  # unique in the run
    "arm": "string",  # of an ablation; "winner" or "baseline" in a confirmation; null in a search
    "replicate": "Int64",  # 0 … K − 1
    "seed": "Int64",
    "status": "string",  # completed, stopped, diverged, failed, interrupted
    "iterations": "Int64",  # run
    "iterations_asked": "Int64",
    "rung": "Int64",  # iteration at which the scheduler stopped the trial; null if it did not
    "diverged_at": "Int64",  # first iteration without a finite loss; null if none
    "diverged_by": "string",  # what was not finite first, in words
    "points": "Int64",  # training points seen: iterations × batch size
    "metric": "string",  # what ranks: mae, rel_l2, max_error or residual
    "score": "Float64",  # of that metric, at the last iteration; null where diverged or failed
    "mae": "Float64",  # mean absolute error; this and what follows as the score
    "rel_l2": "Float64",
    "max_error": "Float64",
    "residual": "Float64",  # of a problem without a reference, in place of the errors
    "mae_batch_statistics": "Float64",  # as mae, normalising over the batch; null without batch norm
    "loss": "Float64",  # training loss of the last iteration, or of the last step of the polish after it
    "parameters": "Int64",  # trainable, of one replicate
    "seconds": "Float64",  # of training, all replicates of the trial together
    "iterations_per_second": "Float64",  # these three as in studies.records.events.Telemetry
    "memory_mib": "Float64",
    "evaluation_share": "Float64",
    "processor_share": "Float64",  # as there too; null in older runs
    "started": "Float64",  # seconds since the study began
    "ended": "Float64",
    "error": "string",  # message of a failed trial
}
"""Columns of trials.parquet in order; `<error> of <output>`, `constant/<name>` (trained constants),
`loss_<term>` and `config/<key>` columns follow."""

CURVE_KEYS: dict[str, str] = {
    "trial": "string",
    "replicate": "int32",
    "iteration": "int64",  # from 1
    "polish": "int32",  # steps of the polish that follows the iteration, from 1; 0 for the iteration itself
    "score": "float64",  # the metric that ranks; NaN where it was not measured
}
"""Columns of curves.parquet; `loss` and `loss_<term>` (float32) follow, NaN after a divergence."""

DECISION_COLUMNS: dict[str, str] = {
    "trial": "string",
    "rung": "Int64",  # iteration of the rung
    "score": "Float64",
    "cutoff": "Float64",  # the score to beat; null while the rung has too few trials to say
    "recorded": "Int64",  # trials on this rung before this one
    "stopped": "boolean",
    "elapsed": "Float64",  # seconds since the study began
}

TELEMETRY_COLUMNS = ("iterations_per_second", "memory_mib", "evaluation_share")
CLOCK_COLUMNS = ("seconds", "started", "ended", "elapsed", *TELEMETRY_COLUMNS, "processor_share")
"""Columns that tell the time, or what else was measured of the machine; everything else is the same each time
a study is run on one machine."""

SOLUTION_KEYS: dict[str, str] = {"phase": "string", "trial": "string", "arm": "string", "replicate": "int32"}
"""Columns of solutions.parquet; one column an axis (`x`, `t`), then `reference_<output>` and
`prediction_<output>` (float64) follow."""


class _Labels(dict[str, str]):
    """Of errors of one output alone too: "rel_l2 of u"."""

    def __missing__(self, metric: str) -> str:
        name, of, output = metric.partition(" of ")
        if not of or name not in self:
            raise KeyError(metric)
        return f"{self[name]} of {output}"


LABELS = _Labels(mae="MAE", rel_l2="relative L² error", max_error="maximum error", residual="residual")
"""What the metrics are called."""


class Outcome(BaseModel):
    """A confirmed setting: its configuration and the error over fresh seeds."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    trial: str
    config: dict[str, Any]
    score: dict[str, float | int | None] = Field(validation_alias=AliasChoices("score", "mae"))
    """Of the study's metric: median, low, high (see studies.records.intervals), n, diverged."""
    rel_l2: dict[str, float | int | None] | None = None
    """The relative L² error likewise; none without a reference."""


class SourcesRecord(BaseModel):
    """The user's files under `sources/`: those to load, where their folders were, and their hashes."""

    main: list[str] = []
    origins: dict[str, str] = {}  # first part of a path -> the folder it was read from
    sha256: dict[str, str] = {}


class StudyRecord(BaseModel):
    """study.json: what was asked, of what, where, and how it ended."""

    model_config = ConfigDict(populate_by_name=True)

    schema_version: int = SCHEMA
    name: str
    run: str
    kind: Literal["search", "ablation", "solve"]
    question: str
    problem: str
    source: str = ""  # of the equation, as its problem names it
    metric: str = "mae"  # what ranks: mae, rel_l2, max_error, or residual where there is no reference
    parameters: dict[str, Any]
    axes: dict[str, tuple[float, float]]  # name -> bounds, time last
    parameter_axes: list[str] = []  # those of them that are parameters of a family of problems
    outputs: list[str]
    terms: list[str]
    yardsticks: dict[str, dict[str, float]] = {}
    """Errors by metric of fields that cost nothing: zero, the best constant, and the linear interpolation of
    the conditions; none without a reference."""
    base: dict[str, Any]  # flat configuration that arms and trials differ from
    space: dict[str, Any] = {}  # of a search: key -> its distribution's name and parameters
    arms: dict[str, dict[str, Any]] = {}  # of an ablation: name -> differences from the base
    factors: dict[str, list[Any]] = {}  # of a grid: key -> levels
    preflight: list[dict[str, str]] = []  # warnings given at the start: level, check, what, why, remedy
    notes: list[str] = []  # what a solve, or the confirmation of a search, said of how its trainings ran
    baseline: str | None = None  # arm that others are compared with
    arm_seconds: dict[str, float] = {}  # of a training of each arm, nominal (see `studies.cost`)
    learning_rates: Literal["shared", "tuned"] = "shared"
    tuned_rates: dict[str, float] = {}  # arm -> learning rate, where each was tuned
    objectives: list[str] = ["error"]  # of a search: what it makes small
    scheduler: dict[str, Any] = {}  # grace_period, reduction_factor, max_t, rungs
    trials_asked: int
    replicates: int
    seed: int
    seeds: dict[str, list[int]]  # phase -> seeds of the replicates
    setups: dict[str, dict[str, Any]] = {}  # trial -> problem and configuration, to train it again
    schedules: dict[str, list[dict[str, Any]]] = {}  # trial -> settings that changed on its way, and when
    definition: dict[str, Any] = {}  # the study whole, as `studies.study` reads it, to go on with it
    quick: bool = False
    cores: int = 1
    device: str = "cpu"
    storage: str | None = None  # where a copy of the run folder and the checkpoints are
    versions: dict[str, str] = {}
    commit: str | None = None
    machine: dict[str, Any] = {}
    command: str | None = None
    sources: SourcesRecord = SourcesRecord()
    started: str  # ISO 8601, UTC
    seconds: float | None = None
    state: State = "running"
    iterations_run: int | None = None  # of the search or ablation, confirmation not counted
    iterations_asked: int | None = None
    winner: Outcome | None = None
    confirmed_baseline: Outcome | None = Field(
        default=None, validation_alias=AliasChoices("confirmed_baseline", "reference")
    )
