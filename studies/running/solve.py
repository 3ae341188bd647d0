"""One setup trained in this process, with the records of a study of one trial.  No Ray."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dgm_core import Setup
from dgm_core.training import choose_device
from dgm_core.training.field_file import write
from studies.preflight import Question, examine, refuse
from studies.records.files import write_study
from studies.records.folders import check_file, make_folder
from studies.records.schema import StudyRecord
from studies.running.describe import base_record
from studies.running.holding import holding
from studies.running.sitting import OnProgress, Solved, sit
from studies.running.start import START, weights_of
from studies.sources import keep_sources, sources_record
from studies.study import replicate_seeds


def solve_setup(
    setup: Setup,
    *,
    out: Path,
    seed: int = 0,
    replicates: int = 5,
    run: str | None = None,
    settings: str = "paper",
    quick: bool = False,
    command: str | None = None,
    on_progress: OnProgress | None = None,
    model: Path | None = None,
    device: str = "auto",
    timeout: float | None = None,
    start: Path | None = None,
    alone: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Solved:
    """Trains `replicates` seeds of a setup and records it; an interrupt keeps what was done.

    start: a saved field whose weights the training begins with; the run keeps a copy.

    Warnings of the preflight checks are told and recorded.

    timeout: seconds without progress after which the training has failed, by default from its estimate and
    ten minutes at least.  alone: the process is for this, and ended where what hangs can be ended in no other
    way.  tell: is given a sentence where the training says nothing for some minutes.

    Raises ConfigurationError before anything is trained where the folder or the file `model` cannot
    be written, or a check of the settings finds an error.
    """
    if model is not None:
        check_file(model)
    device = choose_device(device)
    seeds = replicate_seeds(seed, "solve", replicates)
    findings = examine(Question(setup))
    refuse(findings)
    warnings = [finding for finding in findings if finding.level == "warning"]
    for finding in warnings:
        (tell or ignored)(f"Warning: {finding}")
    begun = None if start is None else weights_of(start, setup, seeds)
    problem = setup.problem
    folder = make_folder(out, f"solve-{problem.name}", run)
    record = base_record(
        setup,
        name=f"solve-{problem.name}",
        kind="solve",
        question=f"How well do the settings {settings!r} solve {problem.name}?",
        run=folder.name,
        seed=seed,
        quick=quick,
        command=command,
        replicates=replicates,
        device=device,
        trials_asked=1,
        seeds={"solve": seeds},
        setups={settings: setup.to_dict()},
        definition={
            "kind": "solve",
            "setup": setup.to_dict(),
            "settings": settings,
            "model": None if model is None else str(model.absolute()),
            "timeout": timeout,
            "start": None if start is None else str(start),
        },
    )
    record.preflight = [finding.to_dict() for finding in warnings]
    with holding(folder, command or "studies.solve"):
        record.sources = sources_record(keep_sources(folder, setup, record.definition["model"]))
        if begun is not None:
            (folder / START).parent.mkdir(exist_ok=True)
            write(setup, seeds, begun, folder / START)
        write_study(folder, record)
        return sit(setup, folder, record, on_progress, alone=alone, tell=tell or ignored)


def resume_solve(
    setup: Setup,
    folder: Path,
    record: StudyRecord,
    on_progress: OnProgress | None = None,
    *,
    alone: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Solved:
    """Goes on with a solve from its last checkpoint; nothing is trained where it had ended.

    Raises StudyError where training cannot go on, or another process runs it.
    """
    with holding(folder, record.command or "studies.solve"):
        return sit(setup, folder, record, on_progress, alone=alone, tell=tell or ignored)


def ignored(sentence: str) -> None:
    """Tells nobody."""
