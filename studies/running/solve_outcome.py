"""What a solve leaves beside its log: tables, the field, and the outcome that `dgm solve --json` prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dgm_core import Setup, Trainer
from studies.errors import StudyError
from studies.records.events import Replicates
from studies.records.files import replacing, write_study, write_table
from studies.records.history import Entry, History
from studies.records.intervals import confirmed
from studies.records.schema import CURVES, SOLUTIONS, TRIALS, StudyRecord
from studies.records.tables import trials_frame
from studies.running.collect import curve_frame, resolved, save_field, solutions_frame, write_model

ERRORS = "errors.json"


def kept_outcome(folder: Path) -> dict[str, Any]:
    """What a solve that is finished came to, see `Solved.summary`.

    Raises StudyError where the file is missing or damaged.
    """
    path = folder / ERRORS
    try:
        kept: dict[str, Any] = json.loads(path.read_text())
        kept.setdefault("score", kept.get(kept.get("metric", "mae")))  # of before schema version 3
    except OSError as error:
        raise StudyError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (AttributeError, RecursionError, ValueError):
        raise StudyError(f"{path} is damaged: it is not a JSON object.") from None
    return kept


def write_outcome(
    folder: Path, record: StudyRecord, history: History, entry: Entry, trainer: Trainer
) -> dict[str, Any]:
    """Everything a run folder holds, from a training and its log."""
    record.seconds = history.seconds
    record.iterations_run, record.iterations_asked = trainer.iteration, entry.asked
    terms = record.terms
    write_table(folder, TRIALS, trials_frame(history, terms, record.metric))
    write_table(folder, CURVES, curve_frame(entry, trainer.curves.state(), terms))
    write_table(folder, SOLUTIONS, solutions_frame([(entry, trainer)]))
    summary = _summary(folder, record, trainer.setup, entry)
    record.notes = summary["notes"]
    with replacing(folder / ERRORS) as file:
        file.write((json.dumps(summary, indent=2) + "\n").encode())
    save_field(folder, "solution", [trainer.result()])
    model = record.definition.get("model")
    if model is not None:
        write_model(trainer.result(), Path(model))
    write_study(folder, record)  # last: a run that says it is finished has all of them
    return summary


def _summary(folder: Path, record: StudyRecord, setup: Setup, entry: Entry) -> dict[str, Any]:
    assert entry.measured is not None
    measured, values = entry.measured, entry.measured.replicates
    return {
        "run": str(folder),
        "problem": setup.problem.name,
        "config": resolved(setup),
        "metric": setup.problem.metric,
        "score": confirmed(values.scores),
        **{metric: confirmed(errors) for metric, errors in values.errors.items()},
        "yardsticks": record.yardsticks,
        "diverged_by": sorted({reason for reason in values.reasons if reason is not None}),
        "replicates": [
            {
                "seed": seed,
                "status": values.status[k],
                **{metric: errors[k] for metric, errors in values.errors.items()},
            }
            for k, seed in enumerate(entry.spec.seeds)
        ],
        "iterations": entry.iterations,
        "seconds": measured.seconds,
        "status": entry.status or "interrupted",
        "warnings": [f"{each['what']} {each['why']} {each['remedy']}" for each in record.preflight],
        "notes": [*measured.notes, *_divergences(setup, values)],
        "constants": {
            name: {**confirmed(estimates), "true": type(setup.problem).trained()[name].truth}
            for name, estimates in values.constants.items()
        },
    }


def _divergences(setup: Setup, values: Replicates) -> list[str]:
    """Why replicates diverged, a sentence for each reason."""
    reasons: dict[str, int] = {}
    for reason in values.reasons:
        if reason is not None:
            reasons[reason] = reasons.get(reason, 0) + 1
    total = len(values.status)
    return [f"{setup.problem.name}: diverged ({n} of {total}): {reason}." for reason, n in reasons.items()]
