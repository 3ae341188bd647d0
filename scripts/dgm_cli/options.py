"""Options that several commands have, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option(help="Folder for results.")]
Name = Annotated[str | None, typer.Option(help="Name of the run (default: date and time).")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Replicates = Annotated[int, typer.Option(help="Seeds to train at once.")]
ReplicateSeed = Annotated[
    int, typer.Option("--seed", help="Seed from which those of the replicates are derived.")
]
Address = Annotated[
    str, typer.Option(help="A running Ray cluster: auto or HOST:PORT (default: start Ray here).")
]
RayDashboard = Annotated[
    bool, typer.Option("--dashboard", help="Start Ray's dashboard, with one actor for each trial.")
]
Notify = Annotated[
    str | None,
    typer.Option(
        metavar="CMD",
        help="Call this command at the end, such as notify-send; its last argument is a sentence.  "
        "Its environment has DGM_RUN and DGM_STATE.",
    ),
]
LogTo = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TARGET", help="Also log to mlflow, mlflow=URI, wandb or wandb=PROJECT; repeatable."
    ),
]
TrialTimeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Count a trial as failed after this long without progress (default: ten times the estimate of "
        "the training, at least ten minutes).",
    ),
]
