"""`dgm rerun`: does a recorded trial train to the same curves, errors and weights again?"""

from __future__ import annotations

from typing import Annotated

import typer

from dgm_cli.common import messages, print_json
from dgm_cli.options import Json
from dgm_cli.own import Trust, With, load_files, trusted
from dgm_cli.places import Place, here
from studies.records import words


def rerun(
    place: Place,
    trial: Annotated[
        list[str] | None, typer.Option(help="Trial or arm to train again (default: all); repeatable.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what can be trained again and what differs.")
    ] = False,
    trust: Trust = False,
    as_json: Json = False,
    files: With = None,
) -> int:
    """Train recorded trials again and compare; exit code 1 if one does not agree.

    Compares losses, final errors and saved weights.
    """
    from studies.running.rerun import recorded
    from studies.running.rerun import rerun as train_again

    run = here(place)
    recorded_run = recorded(run)
    if check:
        messages.print(
            f"{words.counted(len(recorded_run.trials), 'trial')} can be trained again: "
            f"{', '.join(recorded_run.trials)}"
        )
        messages.print(f"Not as recorded: {'; '.join(recorded_run.differences) or 'nothing'}")
        messages.print(f"They are trained on: {recorded_run.device}")
        return 0
    load_files(files)
    trusted(run, recorded_run.record.sources, trust)
    verdicts, differences = train_again(run, trial, lambda name: messages.print(f"training {name} again"))
    if differences:
        messages.print(f"Not as recorded: {'; '.join(differences)}")
    for verdict in verdicts:
        messages.print(f"{verdict.trial}: {verdict.words}")
    agree = all(verdict.agrees for verdict in verdicts)
    agreeing = sum(verdict.agrees for verdict in verdicts)
    total = words.share(agreeing, len(verdicts), "trial")
    messages.print(f"{total} {words.agree(agreeing, 'agrees', 'agree')} with the record.")
    if as_json:
        print_json(
            {
                "agree": agree,
                "differences": differences,
                "trials": {verdict.trial: verdict.words for verdict in verdicts},
            }
        )
    return 0 if agree else 1
