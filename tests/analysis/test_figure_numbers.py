"""The numbers and names that figures print are those of what they show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from analysis.load import Run
from analysis.plots import ablation, solution, style
from analysis.plots.solved import headline


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
