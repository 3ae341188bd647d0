"""`dgm resume`: goes on with a run that was left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgm_cli.common import at_least, command_line, messages, print_json
from dgm_cli.notify import ended, ended_with, notified
from dgm_cli.options import Address, Json, LogTo, Notify, RayDashboard
from dgm_cli.own import Trust, With, load_files, trusted
from dgm_cli.places import Place, here
from dgm_cli.report import remade
from dgm_core.collecting import uncollected
from dgm_core.errors import ConfigurationError

if TYPE_CHECKING:
    from studies.records import StudyRecord


def resume(
    place: Place,
    trials: Annotated[
        int | None,
        typer.Option(help="New total number of trials, as if the search had been started with it."),
    ] = None,
    cores: Annotated[int | None, typer.Option(help="Cores to use (default: as before).")] = None,
    address: Address = "local",
    dashboard: RayDashboard = False,
    log_to: LogTo = None,
    trust: Trust = False,
    notify: Notify = None,
    as_json: Json = False,
    files: With = None,
) -> int:
    """Continue a run that was interrupted, was killed or ran out of disk space, or add trials."""
    at_least("cores", cores, 1)
    at_least("trials", trials, 1)
    load_files(files)
    run = here(place)
    from dgm_cli.reproduce import REPRODUCTION, resume_reproduction

    if (run / REPRODUCTION).is_file():
        _check_studies_own(run, dashboard=dashboard, log_to=log_to)
        _check_search(run, trials)
        with notified(notify) as ending:
            code = resume_reproduction(run, trust=trust, as_json=as_json)
            ended_with(ending, run, code)
            return code
    with uncollected():
        from studies.running.resume import read_run
        from studies.running.resume import resume as go_on
        from studies.running.runner import Options

    record = read_run(run)
    if record.kind != "search":
        _check_search(run, trials)
    if record.state == "finished" and trials is None:
        return _finished(run, record, as_json)
    if record.kind == "solve":
        _check_studies_own(run, dashboard=dashboard, log_to=log_to)
    trusted(run, record.sources, trust, writes=record.definition.get("model"))
    if record.kind == "solve":
        from dgm_cli.solve import finish_solve, resume_with_progress

        with notified(notify) as ending:
            solved = resume_with_progress(run, record)
            ended(ending, run)
            return finish_solve(solved, as_json)
    from dgm_cli.outcome import finish

    options = Options(
        cores=cores,
        address=address,
        dashboard=dashboard,
        log_to=tuple(log_to or ()),
        command=command_line(),
        console=messages,
    )
    with notified(notify) as ending:
        _, differences = go_on(run, options, trials)
        ended(ending, run)
        if differences:
            messages.print(f"Not as when it began: {'; '.join(differences)}")
        return finish(run.absolute(), as_json)


def _check_search(run: Path, trials: int | None) -> None:
    if trials is not None:
        raise ConfigurationError(f"--trials is for searches, and {run} is not one.")


def _check_studies_own(run: Path, *, dashboard: bool, log_to: list[str] | None) -> None:
    for option, given in (("dashboard", dashboard), ("log-to", bool(log_to))):
        if given:
            raise ConfigurationError(f"--{option} is for searches and ablations; {run} does not use Ray.")


def _finished(run: Path, record: StudyRecord, as_json: bool) -> int:
    """Makes what a full disk or a damaged file can have left unmade of a run that is finished."""
    from dgm_cli.outcome import finish
    from studies.running.solve_outcome import kept_outcome

    said = f"{run} is finished: nothing is left to train; its report is made again."
    messages.print(said, soft_wrap=True)
    if record.kind != "solve":
        return finish(run.absolute(), as_json)
    remade(run)
    if as_json:
        print_json(kept_outcome(run))
    return 0
