"""More trials for a search that has ended, as if it had been asked for that many from the start."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from dgm_core import ConfigurationError
from studies.errors import StudyError
from studies.planning.plans import SearchPlan
from studies.records.events import Cut, Decided, Ended, Event, Failed, Reported, Suggested
from studies.records.files import replacing, write_study
from studies.records.history import History
from studies.records.log import LOG, read_log
from studies.records.rebuild import check_whole
from studies.records.schema import AFTER, CHECKPOINTS, CURVES, MODELS, PIECES, StudyRecord
from studies.records.storage import Store
from studies.running.describe import asked_record
from studies.running.holding import holding
from studies.study import Search, from_dict, to_dict

_SEARCH = "search"


def extend(folder: Path, record: StudyRecord, trials: int) -> None:
    """Makes a run of so many trials of it, with the rest still to be trained; `resume` goes on with it.

    What was trained stays; what follows from it (stops, ends) is derived again, because a search that goes on
    compares with more.  The confirmation is made anew, and the winner is chosen among all.  Files of the
    user's own are loaded already.  Raises LogError where the log is not whole, and ConfigurationError where
    the run is no search, keeps its files elsewhere, or has as many trials.
    """
    if record.kind != _SEARCH:
        raise ConfigurationError(f"--trials is for searches, and {folder} is not one.")
    if record.storage is not None:
        raise ConfigurationError(
            f"--trials is not allowed: the log of {folder} is copied to {record.storage}."
        )
    before = from_dict(record.definition)
    assert isinstance(before, Search)
    if record.scheduler.get("population"):
        raise ConfigurationError(
            f"--trials is not allowed: the trials of {folder} are a population, which trained together."
        )
    if trials <= before.trials:
        raise ConfigurationError(
            f"--trials {trials} is not allowed: {folder} was asked for {before.trials} already; give more."
        )
    study = replace(before, trials=trials)
    with holding(folder, "dgm resume"):
        events = read_log(folder)
        history = History(events)
        check_whole(folder, record, history)
        kept = _kept(study, record.seed, events)
        _restore_pieces(folder, history)
        for entry in history.phase(*AFTER):
            Store.at(folder).remove(f"{CHECKPOINTS}/{entry.spec.folder}")
        shutil.rmtree(folder / MODELS, ignore_errors=True)
        # Were it to end here, the run would be the search that it was, its confirmation still to come.
        with replacing(folder / LOG) as file:
            file.write(b"".join(event.model_dump_json().encode() + b"\n" for event in kept))
        asked = asked_record(study, record.seed)
        record.trials_asked, record.scheduler = trials, asked["scheduler"]
        record.definition = to_dict(study)
        record.state, record.winner, record.confirmed_baseline = "interrupted", None, None
        write_study(folder, record)


def _kept(study: Search, seed: int, events: Sequence[Event]) -> list[Event]:
    """What was trained, and of what followed from it that which still does."""
    names = {event.trial for event in events if isinstance(event, Suggested) and event.phase == _SEARCH}
    kept = [event for event in events if getattr(event, "trial", None) in {None, *names}]
    kept = [event for event in kept if not isinstance(event, Cut)]
    follows = _follows(study, seed, kept)
    decides = study.order == "arrival"  # somebody else did: that is a fact
    return [
        event
        for event in kept
        if not isinstance(event, (Decided, Ended))
        or (decides and isinstance(event, Decided))
        or _said(event) in follows
    ]


def _follows(study: Search, seed: int, events: Sequence[Event]) -> set[str]:
    """What a search of that many trials makes of what was trained."""
    known = {event.trial: event.changes for event in events if isinstance(event, Suggested)}
    plan = SearchPlan(study, seed, known)
    following: list[Event] = []
    try:
        for event in events:
            if isinstance(event, Suggested):
                plan.take(event.trial)
            elif isinstance(event, Reported):
                following += plan.report(event.trial, event.metrics)
            elif isinstance(event, Decided):
                following += plan.decide(event)
            elif isinstance(event, Failed):
                following += plan.fail(event.trial)
    except (KeyError, StopIteration):
        raise StudyError(
            "the log of this run is not that of this search: it cannot have more trials."
        ) from None
    return {_said(event) for event in following}


def _said(event: Event) -> str:
    return event.model_copy(update={"time": 0.0}).model_dump_json()


def _restore_pieces(folder: Path, history: History) -> None:
    """Takes the curves of a finished run apart again, a file for each trial."""
    if not (folder / CURVES).is_file():
        return
    (folder / PIECES).mkdir(exist_ok=True)
    table = pq.read_table(folder / CURVES)
    for entry in history.phase(_SEARCH):
        path = folder / PIECES / f"{entry.spec.folder}.parquet"
        rows = table.filter(pc.equal(table["trial"], entry.trial))
        if len(rows) and not path.is_file():
            with replacing(path) as file:
                pq.write_table(rows, file, compression="zstd", write_page_checksum=True)
