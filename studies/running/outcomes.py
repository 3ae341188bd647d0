"""What a study came to: its state, and what a confirmation says of the winner."""

from __future__ import annotations

from collections.abc import Sequence

from dgm_core import Setup
from studies.planning.course import Course
from studies.planning.plans import AblationPlan, SearchPlan
from studies.records import Outcome, State, StudyRecord
from studies.records.history import Entry
from studies.records.intervals import confirmed


def conclude(course: Course, record: StudyRecord) -> State:
    """The state of a study whose process has nothing more to run; outcomes go into the record."""
    if course.cause is not None:
        return "failed"
    if not course.done:
        return "interrupted"
    plan = course.plan
    if isinstance(plan, AblationPlan) and plan.rates:
        record.learning_rates, record.tuned_rates = "tuned", dict(plan.rates)
    if isinstance(plan, SearchPlan) and plan.search.best is not None:
        return _confirm(course, plan.search.best.name, record)
    return "finished"


def _confirm(course: Course, winner: str, record: StudyRecord) -> State:
    entries = course.history.phase("confirm")
    if any(entry.status == "failed" for entry in entries):
        return "failed"
    parts = {arm: [entry for entry in entries if entry.spec.arm == arm] for arm in ("winner", "baseline")}
    record.winner = outcome(parts["winner"], winner)
    record.confirmed_baseline = outcome(parts["baseline"], "baseline")
    record.notes = list(dict.fromkeys(note for e in entries if e.measured for note in e.measured.notes))
    return "finished"


def outcome(entries: Sequence[Entry], trial: str) -> Outcome:
    """A confirmed setting with its median error and the interval over the seeds of all its trials."""
    ordered = sorted(entries, key=lambda entry: entry.spec.first)
    scores = [score for entry in ordered if entry.measured for score in entry.measured.replicates.scores]
    setup = Setup.from_dict(ordered[0].spec.setup)
    config = {"problem": setup.problem.name, **setup.flat()}
    errors = [
        error
        for entry in ordered
        if entry.measured
        for error in entry.measured.replicates.errors.get("rel_l2", ())
    ]
    sizes = confirmed(errors) if errors else None
    return Outcome(trial=trial, config=config, score=confirmed(scores), rel_l2=sizes)
