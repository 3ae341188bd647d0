"""The first entry of a run's study.json: what is asked, of what, and where it runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dgm_core import Setup
from dgm_core.calculus import compiler
from dgm_core.training.evaluation import Evaluation
from studies.cost import training_seconds
from studies.records import StudyRecord, environment
from studies.running.collect import resolved
from studies.study import Ablation, Search, Study, replicate_seeds, to_dict
from studies.study.branches import merged
from studies.study.space import describe
from studies.trials.trainable import SCORE, TIME


def versions() -> dict[str, str]:
    """Those that a result depends on, the C compiler's too, which decides how derivatives are rounded."""
    return {**environment.versions(), "compiler": compiler() or "none"}


def base_record(base: Setup, **values: Any) -> StudyRecord:
    """A record of a base setup, this machine and the present time, with the given values."""
    problem = base.problem
    return StudyRecord(
        problem=problem.name,
        source=problem.source,
        metric=problem.metric,
        parameters=problem.parameters(),
        axes={axis.name: (axis.lower, axis.upper) for axis in problem.inputs},
        parameter_axes=[axis.name for axis in problem.inputs if axis.parameter],
        outputs=list(problem.outputs),
        terms=list(problem.terms),
        yardsticks=Evaluation(problem).yardsticks(),
        base=resolved(base),
        versions=versions(),
        commit=environment.commit(),
        machine=environment.machine(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        **values,
    )


def study_record(
    study: Study, *, run: str, seed: int, quick: bool, cores: int, command: str | None
) -> StudyRecord:
    """The record of a study that is about to run."""
    question_record = _search(study, seed) if isinstance(study, Search) else _ablation(study, seed)
    return base_record(
        study.base,
        name=study.name,
        run=run,
        question=study.question,
        replicates=study.replicates,
        seed=seed,
        quick=quick,
        cores=cores,
        command=command,
        definition=to_dict(study),
        **question_record,
    )


def _search(study: Search, seed: int) -> dict[str, Any]:
    return {
        "kind": "search",
        "space": {
            key: describe(each) | ({"when": when} if when else {})
            for key, (each, when) in merged(study.space).items()
        },
        "scheduler": {
            **_choosing(study),
            "time": TIME,
            "score": f"median over replicates of {study.base.problem.metric} ({SCORE})",
            "grace_period": study.grace_period,
            "reduction_factor": study.reduction_factor,
            "max_t": study.max_t,
            "rungs": list(study.rungs),
            "workers": study.workers,
            **{key: limit for key in ("budget", "time_limit") if (limit := getattr(study, key)) is not None},
        },
        "objectives": list(study.objectives),
        "trials_asked": study.trials,
        "seeds": {
            "search": replicate_seeds(seed, "search", study.replicates),
            "confirm": replicate_seeds(seed, "confirm", study.confirmations),
        },
    }


def asked_record(study: Search, seed: int) -> dict[str, Any]:
    """The fields of a record that say what a search is asked."""
    return _search(study, seed)


def _choosing(study: Search) -> dict[str, str]:
    """What suggests settings and what stops trials."""
    if study.order == "arrival":
        scheduler, searcher = study.scheduler or "asha", study.searcher or "optuna"
        return {"name": _called(scheduler), "sampler": _called(searcher), "order": study.order}
    return {"name": _called(study.early_stopping), "sampler": _called(study.sampler)}


def _ablation(study: Ablation, seed: int) -> dict[str, Any]:
    return {
        "kind": "ablation",
        "arms": {arm: dict(changes) for arm, changes in study.arms.items()},
        "factors": {key: list(levels) for key, levels in study.factors.items()},
        "baseline": study.baseline,
        "arm_seconds": {arm: training_seconds(study.setup(arm), study.replicates) for arm in study.arms},
        "trials_asked": len(study.arms),
        "seeds": {
            "tune": replicate_seeds(seed, "tune", study.replicates),
            "ablation": replicate_seeds(seed, "ablation", study.replicates),
        },
    }


def _called(part: Any) -> str:
    """Of a sampler or a rule: its name, or that of the function that makes it."""
    return part if isinstance(part, str) else str(getattr(part, "__name__", "function"))
