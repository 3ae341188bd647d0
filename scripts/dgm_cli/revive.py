"""`dgm revive`: stopped trials of a finished search, trained to their ends."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from dgm_cli.common import messages, print_json, tell_compiler
from dgm_cli.options import Json
from dgm_cli.own import Trust, With, load_files, trusted
from dgm_cli.places import Place, here
from studies.hints import quoted


def revive(
    place: Place,
    trials: Annotated[list[str], typer.Argument(metavar="TRIAL…", help="Trials that were stopped early.")],
    trust: Trust = False,
    as_json: Json = False,
    files: With = None,
) -> int:
    """Train stopped trials of a finished search to their ends; its decisions stay.

    They end as if they had never been stopped, are recorded beside the search, and appear in its report.
    """
    from analysis.load import load_run
    from analysis.own_error import revived
    from analysis.tables import revived_table
    from dgm_cli.report import remade
    from studies.records.opening import open_run
    from studies.running.revive import revivable
    from studies.running.revive import revive as train

    run = here(place).absolute()
    record = open_run(run)
    revivable(run, record)
    load_files(files)
    trusted(run, record.sources, trust)
    tell_compiler()
    train(run, record, list(dict.fromkeys(trials)), lambda sentence: messages.print(sentence, soft_wrap=True))
    remade(run)
    rows = revived_table(load_run(run))
    for sentence in revived({"revived": rows}):
        messages.print(sentence, soft_wrap=True)
    messages.print(f"Report: {quoted(run / 'report.html')}", soft_wrap=True)
    if as_json:
        print_json(
            {"run": str(run), "revived": json.loads(rows.to_json(orient="records", double_precision=15))}
        )
    return 0
