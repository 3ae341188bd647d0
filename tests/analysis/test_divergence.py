"""What diverged, blown up and degenerate replicates count as, from the log to every number shown."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from analysis import tables
from analysis.load import load_run
from analysis.scores import trial_scores
from analysis.tables.runs import loss_and_error
from analysis.tensorboard import EventFiles
from studies.records.history import read_history
from studies.records.reduction import median, ranked
from tests.analysis.logged import Training, falling, levelling, log_run
from tests.analysis.synthetic import record

ROOT = Path(__file__).parents[2]


def ablation(folder: Path, arms: dict[str, Training]) -> Path:
    study = record(
        name="heat-batch-size",
        kind="ablation",
        arms={arm: {"batch_size": int(arm)} for arm in arms},
        baseline=next(iter(arms)),
        seeds={"ablation": [1, 2, 3, 4, 5]},
        replicates=5,
        trials_asked=len(arms),
    )
    return log_run(folder, study, list(arms.values()))


def arm(name: str, *scores: float | None, **rest: object) -> Training:
    return Training(name, scores, phase="ablation", arm=name, config={"batch_size": int(name)}, **rest)  # type: ignore[arg-type]


def test_a_replicate_has_its_own_status_and_not_its_trial_s(tmp_path: Path) -> None:
    """Three of five diverged: the trial counts as diverged, and the two that did not have their errors."""
    arms = {"64": arm("64", 0.1, 0.2, 0.3, 0.4, 0.5), "256": arm("256", 0.021, None, 0.03, None, None)}
    run = load_run(ablation(tmp_path / "run", arms))
    rows = run.trials[run.trials["arm"] == "256"]
    assert list(rows["status"]) == ["completed", "diverged", "completed", "diverged", "diverged"]
    row = tables.arms_table(run).set_index("arm").loc["256"]
    assert (row["n"], row["diverged"], row["divergence"]) == (5, 3, 0.6)
    assert (row["score"], row["score_low"], row["score_high"]) == (np.inf, 0.021, np.inf)
    assert trial_scores(rows)["status"].tolist() == ["diverged"]


def test_of_a_trial_that_stopped_early_the_survivors_are_stopped(tmp_path: Path) -> None:
    lost = Training("t1", (None, None, 0.2), iterations=30, asked=60, rung=30)
    run = load_run(log_run(tmp_path / "run", record(), [Training("t0", (0.1, 0.1, 0.1)), lost]))
    rows = run.trials[run.trials["trial"] == "t1"]
    assert list(rows["status"]) == ["diverged", "diverged", "stopped"]


def test_a_failed_trial_s_replicates_failed(tmp_path: Path) -> None:
    run = load_run(log_run(tmp_path / "run", record(), [Training("t0", (0.1, None), failed="no memory")]))
    assert list(run.trials["status"]) == ["failed", "failed"]


def test_no_curve_is_the_survivors_median(tmp_path: Path) -> None:
    """TensorBoard's error and loss end where half of the replicates have diverged."""
    folder = log_run(
        tmp_path / "run", record(), [Training("t0", (0.1, None, None)), Training("t1", (0.2, None, 0.1))]
    )
    EventFiles(folder, record(), tmp_path / "events").tend(read_history(folder))
    for trial, last in (("t0", 15), ("t1", 60)):
        accumulator = EventAccumulator(str(tmp_path / "events" / trial)).Reload()
        assert accumulator.Scalars("score")[-1].step == last
        assert accumulator.Scalars("loss/total")[-1].step == (30 if trial == "t0" else 60)
    assert accumulator.Scalars("score")[-1].value == pytest.approx(0.2)


def test_the_loss_of_a_trial_is_not_the_survivors(tmp_path: Path) -> None:
    run = load_run(log_run(tmp_path / "run", record(), [Training("t0", (0.1, None, None))]))
    trial = tables.trials_table(run).iloc[0]
    assert (trial["status"], trial["score"], trial["loss"]) == ("diverged", np.inf, np.inf)


def test_ended_trainings_whose_loss_converged_on_nothing_are_degenerate(tmp_path: Path) -> None:
    nothing = {"scores": (0.4, 0.4), "rel_l2": (0.9, 0.9)}
    trainings = [
        Training("stuck", **nothing, losses=[levelling(1e-4)] * 2),
        Training("short", **nothing, losses=[falling(1e-4)] * 2),  # it still falls
        Training("high", **nothing, losses=[levelling(0.5)] * 2),  # it never fell
        Training("stopped", **nothing, losses=[levelling(1e-4)] * 2, asked=120, rung=60),
        Training("good", (1e-3, 1e-3), losses=[levelling(1e-4)] * 2),
    ]  # fmt: skip
    run = load_run(log_run(tmp_path / "run", record(), trainings))
    values = loss_and_error(run)
    assert set(values.loc[values["degenerate"], "trial"]) == {"stuck"}
    assert not values["blown_up"].any()


def test_a_replicate_that_blew_up_is_counted_and_is_not_degenerate(tmp_path: Path) -> None:
    up = np.geomspace(1.0, 11_493.0, 60)
    trainings = [
        Training("loss", (0.1, 0.1), losses=[levelling(1e-3), up]),
        Training("error", (0.1, 7.0), rel_l2=(0.3, 21.0), losses=[levelling(1e-3)] * 2),
        Training("diverged", (0.1, None), losses=[levelling(1e-3), up]),
    ]
    run = load_run(log_run(tmp_path / "run", record(), trainings))
    values = loss_and_error(run)
    keys = list(zip(run.trials["trial"], run.trials["replicate"], strict=True))
    assert list(values["blown_up"]) == [trial in ("loss", "error") and k == 1 for trial, k in keys]
    assert not values["degenerate"].any()
    assert tables.correlation_table(run).set_index("scope").loc["all replicates", "blown_up"] == 2


def test_the_one_function() -> None:
    assert list(ranked([1.0, None, np.nan, 2.0], [False, False, False, True])) == [
        1.0,
        np.inf,
        np.inf,
        np.inf,
    ]
    assert median([1.0, None, 3.0]) == 3.0
    assert median([1.0, None]) == np.inf
    assert np.isnan(median([]))
    assert list(median(np.array([[1.0, np.nan], [2.0, np.nan], [3.0, 1.0]]), axis=0)) == [2.0, np.inf]


def test_nothing_reduces_over_replicates_in_another_way() -> None:
    """pandas and NumPy drop NaN, or return it."""
    one_curve = {"analysis/curves.py", "analysis/fates.py"}  # medians over the course of a single one
    allowed = {"studies/records/reduction.py", *one_curve}
    found = []
    for path in [*(ROOT / "analysis").rglob("*.py"), *(ROOT / "studies" / "records").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in ("median", "nanmedian", "nanmean"):
                base = node.value.id if isinstance(node.value, ast.Name) else ""
                if base != "statistics" and str(path.relative_to(ROOT)) not in allowed:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not found
