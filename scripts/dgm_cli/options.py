"""Options that several commands have, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option(help="Folder of the results.")]
Name = Annotated[str | None, typer.Option(help="The run's name; by default the time.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Json = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")]
Replicates = Annotated[int, typer.Option(help="Seeds trained at once.")]
ReplicateSeed = Annotated[int, typer.Option("--seed", help="Seed that the replicates' seeds follow from.")]
Address = Annotated[str, typer.Option(help="A running Ray cluster; by default a Ray of its own.")]
RayDashboard = Annotated[
    bool, typer.Option("--dashboard", help="Start Ray's dashboard, with an actor for each trial.")
]
Notify = Annotated[
    str | None,
    typer.Option(
        metavar="CMD",
        help="A command to call at the end, with a sentence as its last word: --notify notify-send.  "
        "DGM_RUN and DGM_STATE are in its environment.",
    ),
]
LogTo = Annotated[
    list[str] | None,
    typer.Option(metavar="TARGET", help="Tell mlflow, mlflow=URI, wandb or wandb=PROJECT; repeatable."),
]
TrialTimeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Without progress, after which a trial counts as failed; by default from an estimate, "
        "ten minutes at least.",
    ),
]
