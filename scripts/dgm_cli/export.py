"""`dgm export`: a run's settings, trained field and appendix, for those who do not have this program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dgm_cli.common import messages, print_json
from dgm_cli.options import Json
from dgm_cli.own import Trust, With, load_files, trusted
from dgm_cli.places import Place, here
from studies.hints import quoted


def export(
    place: Place,
    to: Annotated[
        Path | None, typer.Option(help="Folder to write to (default: export/ in the run folder).")
    ] = None,
    trial: Annotated[
        str | None, typer.Option(help="Trial or arm to export (default: the winner, or the only one).")
    ] = None,
    trust: Trust = False,
    as_json: Json = False,
    files: With = None,
) -> int:
    """Export a run: settings (TOML), trained field, a torch.export program, a paper's appendix.

    The appendix (Markdown, LaTeX, BibTeX) says what was searched, how, on which machine, with what result.
    """
    from analysis.appendix import FILES, write_appendix
    from analysis.load import load_run
    from studies.records.opening import open_run
    from studies.running.export import PROGRAM, SETTINGS, WEIGHTS, export_run, refuse_existing

    run = here(place)
    record = open_run(run)
    load_files(files)
    trusted(run, record.sources, trust)
    folder = to or run / "export"
    refuse_existing(folder, (SETTINGS, WEIGHTS, PROGRAM, *FILES))
    written = export_run(run, record, folder, trial)
    kept = len(written)
    written += write_appendix(load_run(run), folder)
    for path in written:
        messages.print(f"Written: {quoted(path.absolute())}", soft_wrap=True)
    if kept == 1:
        messages.print("The run kept no trained field of it: only winners, arms and solves leave one.")
    problem = record.problem if not record.sources.main else "FILE"
    settings = next(path for path in written if path.name == SETTINGS)
    messages.print(f"Train it again with: dgm solve {problem} --config {quoted(settings.absolute())}")
    if as_json:
        print_json({"files": [str(path) for path in written]})
    return 0
