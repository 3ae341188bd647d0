"""The numbers and names that figures print are those of what they show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from analysis.load import Run, load_run
from analysis.plots import ablation, learning, solution, style
from analysis.plots.solved import headline
from tests.analysis.synthetic import ablation_rows, record, write_run


def test_batch_statistics_are_compared_by_mae_whatever_ranks(run: Callable[[str], Run]) -> None:
    found = run("batch-norm")
    trials = found.trials.assign(metric="rel_l2", score=found.trials["rel_l2"])
    ranked = replace(found, trials=trials, study=found.study.model_copy(update={"metric": "rel_l2"}))
    made, before = (ablation.batch_statistics(each) for each in (ranked, found))
    assert made is not None
    assert before is not None
    assert made.axes[0].get_ylabel() == "MAE (nondimensional)"
    assert style.explained(made) == style.explained(before)


def test_a_solution_of_two_middle_replicates_is_not_called_their_median(run: Callable[[str], Run]) -> None:
    found = run("search")  # 1.0, 1.2, 0.9, 1.4 e-4
    winner = found.trials[(found.trials["arm"] == "winner") & (found.trials["replicate"] < 4)]
    made = solution.solution(replace(found, trials=winner.reset_index(drop=True)), "winner")
    assert made is not None
    _, caption = style.explained(made)
    assert "the better of the middle two of n = 4 replicates by MAE (MAE 1.0×10⁻⁴)" in caption


def test_a_setting_half_of_whose_replicates_diverged_has_no_solution(run: Callable[[str], Run]) -> None:
    found = run("search")
    winner = found.trials[(found.trials["arm"] == "winner") & (found.trials["replicate"] < 4)]
    status = winner["status"].mask(winner["replicate"] < 2, "diverged")
    lost = winner.assign(status=status).reset_index(drop=True)
    assert headline(replace(found, trials=lost), "winner") is None


def test_arms_of_different_lengths_are_compared_where_all_have_come(tmp_path: Path) -> None:
    arms = {"300": {"iterations": 300}, "900": {"iterations": 900}}
    ends = {"300": 1e-5, "900": 5e-6}  # at iteration 300 the longer one is at 4e-5
    rows = [
        row
        for arm in arms
        for row in ablation_rows({arm: {}}, {arm: [0.1] * 5}, losses=ends, iterations=int(arm))
    ]
    study = record(kind="ablation", arms=arms, baseline="300", trials_asked=2, replicates=5)
    made = learning.first_iterations(load_run(write_run(tmp_path / "run", study, rows)))
    assert made is not None
    assert "300 has the lowest loss after 300 iterations" in style.explained(made)[0]
