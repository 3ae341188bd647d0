"""Tables against values recomputed by hand from the rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import tables
from analysis.load import Run, load_run
from analysis.plots import ablation
from analysis.scores import trial_scores
from analysis.tables import rounding
from analysis.tables.runs import loss_and_error
from studies import records


def test_trials_table_has_a_row_for_each_trial_and_the_settings_that_vary(run: Callable[[str], Run]) -> None:
    table = tables.trials_table(run("search"))
    assert len(table) == 26
    assert {"batch_size", "learning_rate", "depth", "activation"} <= set(table)
    assert "network" not in table
    failed = table[table["status"] == "failed"].iloc[0]
    assert failed["failure"] == "RuntimeError: <out of memory> & more"
    assert table.columns.is_unique


def test_counts_add_up(run: Callable[[str], Run]) -> None:
    row = tables.counts_table(run("search")).iloc[0]
    assert (row["asked"], row["run"]) == (24, 24)
    assert (row["diverged"], row["failed"], row["interrupted"]) == (1, 1, 1)
    assert row[["completed", "stopped", "diverged", "failed", "interrupted"]].sum() == 24
    trials = trial_scores(run("search").phase("search"))
    assert row["iterations_run"] == trials["iterations"].sum()
    assert row["iterations_share"] == pytest.approx(
        trials["iterations"].sum() / trials["iterations_asked"].sum()
    )
    study, seconds = run("search").study, run("search").trials.drop_duplicates("trial")["seconds"]
    assert study.seconds is not None
    assert row["busy"] == pytest.approx(seconds.sum() / (study.cores * study.seconds))


def test_summary_compares_winner_and_baseline(run: Callable[[str], Run]) -> None:
    table = tables.summary_table(run("search")).set_index("setting")
    winner = table.loc["winner"]
    assert (winner["score"], winner["score_low"], winner["score_high"]) == (1.1e-4, 0.9e-4, 1.4e-4)
    assert (winner["n"], winner["diverged"]) == (5, 0)
    # Ratios by seed: 1/8, 1.2/9, 0.9/7, 1.4/12, 1.1/10.
    ratios = np.array([1 / 8, 1.2 / 9, 0.9 / 7, 1.4 / 12, 1.1 / 10])
    assert winner["ratio"] == pytest.approx(np.median(ratios))
    assert winner["ratio_low"] == pytest.approx(ratios.min())
    assert winner["p_exact"] == pytest.approx(0.0625)
    assert winner["batch_size"] == 214
    outcome = run("search").study.winner
    assert outcome is not None
    assert outcome.score["median"] == winner["score"] == winner["mae"]


def test_arms_table_by_hand(run: Callable[[str], Run]) -> None:
    found = run("batch-size")
    table = tables.arms_table(found).set_index("arm")
    assert list(table.index) == [str(2**power) for power in range(11)]
    rows = found.trials[found.trials["arm"] == "8"]
    base = found.trials[found.trials["arm"] == "64"]
    mae, base_mae = (part["mae"].to_numpy(dtype=float) for part in (rows, base))
    arm = table.loc["8"]
    assert arm["score"] == pytest.approx(np.median(mae))
    assert (arm["score_low"], arm["score_high"]) == (mae.min(), mae.max())
    assert arm["iqm"] == pytest.approx(10 ** np.sort(np.log10(mae))[1:4].mean())
    assert arm["ratio"] == pytest.approx(np.median(mae / base_mae))
    assert arm["points"] == 8 * 3000
    assert arm["learning_rate_use"] == "shared"
    assert np.isnan(table.loc["64", "p"])
    assert (table["p_holm"].dropna() >= table["p"].dropna()).all()
    assert table["p_holm"].min() == pytest.approx(10 * table["p"].min())


def test_diverged_replicates_are_never_dropped(run: Callable[[str], Run]) -> None:
    arm = tables.arms_table(run("batch-size")).set_index("arm").loc["1"]
    assert (arm["n"], arm["diverged"]) == (5, 1)
    assert arm["score_high"] == np.inf
    assert arm["iqm_high"] == np.inf
    assert arm["test"] == "signed rank"
    mae = run("batch-size").trials.query("arm == '1'")["mae"].dropna().to_numpy(dtype=float)
    assert arm["score"] == np.sort(mae)[2]  # the third of five, not the median of four


def test_failed_and_interrupted_replicates_stand_beside_n(copied: Callable[[str], Path]) -> None:
    path = copied("batch-norm")
    trials = pd.read_parquet(path / records.TRIALS)
    trials.loc[[0, 1], "status"] = ["failed", "interrupted"]
    trials.loc[0, "score"] = pd.NA
    records.write_table(path, records.TRIALS, trials)
    arm = tables.arms_table(load_run(path)).iloc[0]
    assert (arm["n"], arm["failed"], arm["interrupted"], arm["diverged"]) == (3, 1, 1, 0)


def test_an_arm_that_only_failed_has_a_row_without_numbers(copied: Callable[[str], Path]) -> None:
    path = copied("batch-norm")
    trials = pd.read_parquet(path / records.TRIALS)
    lost = trials["arm"] == "batch_norm=after, activation=relu"
    trials.loc[lost, "status"] = "failed"
    trials.loc[lost, ["score", "mae", "rel_l2", "loss"]] = pd.NA
    records.write_table(path, records.TRIALS, trials)
    run = load_run(path)
    arm = tables.arms_table(run).set_index("arm").loc["batch_norm=after, activation=relu"]
    assert (arm["n"], arm["failed"]) == (0, 5)
    assert np.isnan(arm[["score", "mae", "ratio", "p_holm", "improvement"]].to_numpy(dtype=float)).all()
    assert "∞" not in tables.markdown(tables.arms_table(run))
    assert ablation.heat_map(run) is not None
    assert ablation.error_by_factor(run) is not None


def test_tuned_learning_rates_are_said(run: Callable[[str], Run]) -> None:
    table = tables.arms_table(run("batch-norm"))
    assert set(table["learning_rate_use"]) == {"tuned"}
    assert set(table["learning_rate"]) == {1e-3}
    assert table["mae_batch_statistics"].notna().sum() == 4


def test_budgets_are_those_that_all_arms_reached(run: Callable[[str], Run]) -> None:
    table = tables.budget_table(run("batch-size"))
    amounts = table.groupby("budget", sort=False)["amount"].first()
    assert amounts["iterations"] == 3000
    assert amounts["points"] == 3000  # all that batch size 1 saw
    at_points = table[table["budget"] == "points"].set_index("arm")
    assert at_points.loc["1024", "iterations"] == pytest.approx(3000 / 1024)
    at_end = table[table["budget"] == "iterations"].set_index("arm")
    arms = tables.arms_table(run("batch-size")).set_index("arm")
    assert at_end["score"].tolist() == pytest.approx(arms["score"].tolist())


def test_factor_table_pools_the_other_factor(run: Callable[[str], Run]) -> None:
    table = tables.factor_table(run("batch-norm")).set_index("level")
    rows = run("batch-norm").trials
    logs = np.sort(np.log10(rows[rows["config/activation"] == "tanh"]["mae"].to_numpy(dtype=float)))
    assert table.loc["tanh", "n"] == 15
    assert table.loc["tanh", "iqm"] == pytest.approx(10 ** logs[3:12].mean())
    assert table.loc["tanh", "iqm_low"] < table.loc["tanh", "iqm"] < table.loc["tanh", "iqm_high"]
    assert tables.factor_table(run("batch-size")).empty


def test_degenerate_replicates_are_found(run: Callable[[str], Run]) -> None:
    values = loss_and_error(run("batch-norm"))
    assert values["degenerate"].sum() == 15
    assert values.loc[values["degenerate"], "arm"].str.contains("relu").all()
    table = tables.correlation_table(run("batch-norm")).set_index("scope")
    assert table.loc["all replicates", "rho"] < 0
    assert loss_and_error(run("batch-size"))["degenerate"].sum() == 0


def test_decisions_by_rung(run: Callable[[str], Run]) -> None:
    table = tables.decisions_table(run("search")).set_index("rung")
    looks = run("search").decisions
    assert table["looks"].sum() == len(looks)
    assert table.loc[500, "stopped"] == looks["stopped"].sum()
    trials = trial_scores(run("search").phase("search"))
    stopped = trials[trials["status"] == "stopped"]
    saved = (stopped["iterations_asked"] - stopped["iterations"]).sum()
    assert table.loc[500, "iterations_saved"] == saved
    assert tables.decisions_table(run("single")).empty


def test_runs_are_compared_in_one_table(run: Callable[[str], Run]) -> None:
    table = tables.compare_table([run("search"), run("batch-norm"), run("empty")])
    assert list(table["setting"][:2]) == ["winner", "baseline"]
    assert len(table) == 8
    assert set(table["study"]) == {"heat-search", "heat-batch-norm"}


def test_every_table_of_an_empty_run_is_empty(run: Callable[[str], Run]) -> None:
    empty = run("empty")
    for make in (tables.trials_table, tables.summary_table, tables.arms_table, tables.decisions_table):
        assert make(empty).empty
    assert tables.counts_table(empty).iloc[0]["run"] == 0
    assert tables.compare_table([empty]).empty


def test_csv_holds_every_digit(run: Callable[[str], Run], tmp_path: Path) -> None:
    table = tables.arms_table(run("batch-size"))
    csv, markdown, latex = tables.write(tmp_path, "arms", table)
    back = pd.read_csv(csv, dtype={"arm": str})
    for name in ("score", "score_high", "ratio", "p_holm"):
        assert back[name].to_numpy() == pytest.approx(
            table[name].to_numpy(dtype=float), rel=1e-15, nan_ok=True
        )
    assert markdown.read_text().count("\n") == 13
    assert "\\toprule" in latex.read_text()


def test_markdown_and_latex_are_escaped() -> None:
    table = pd.DataFrame(
        {
            "arm": ["a|b_c & 50% <x>"],
            "metric": "mae",
            "score": [1e-4],
            "score_low": [9e-5],
            "score_high": [1.2e-4],
        }
    )
    assert "a\\|b_c & 50% \\<x>" in tables.markdown(table)
    latex = tables.latex(table)
    assert r"a|b\_c \& 50\% \textless{}x\textgreater{}" in latex
    assert r"1.00 [0.90, 1.20] $\times10^{-4}$ \\" in latex
    assert r"median MAE [interval]" in latex


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((0.5, 0.4321, 0.5432), "0.500 [0.432, 0.543]"),
        ((1.234e-4, 1.1e-4, 1.4e-4), "1.23 [1.10, 1.40] × 10⁻⁴"),
        ((431.0, 366.0, 663.0), "430 [370, 660]"),
        ((0.011, 0.0074, np.inf), "0.011 [0.0074, ∞]"),
        ((np.inf, np.inf, np.inf), "∞ [∞, ∞]"),
        ((0.05, np.nan, np.nan), "0.050"),
        ((1e-4, 1e-6, 0.3), "1.0e-4 [1.0e-6, 0.30]"),
        ((0.0, 0.0, 0.4345), "0.00 [0.00, 0.43]"),
        ((-0.67, -0.84, -0.37), "-0.67 [-0.84, -0.37]"),
        ((0.123456, 0.12345, 0.12346), "0.12346 [0.12345, 0.12346]"),  # no point, though a short interval
        ((0.12, 0.12, 0.12), "0.12 [0.12, 0.12]"),
    ],
)
def test_numbers_are_rounded_to_what_the_interval_supports(numbers: tuple[float, ...], text: str) -> None:
    assert rounding.interval(*numbers) == text


def test_probabilities_and_durations() -> None:
    assert rounding.probability(0.0004) == "< 0.001"
    assert rounding.probability(0.04996) == "0.04996"  # not the 0.05 at which nothing would be said
    assert rounding.probability(0.0504) == "0.0504"
    assert rounding.probability(0.0625) == "0.0625"
    assert rounding.seconds(48.2) == "48 s"
    assert rounding.seconds(600) == "10.0 min"
    assert rounding.plain(0.001) == "0.001"
    assert rounding.plain(2.5e-5) == "2.5e-5"


@pytest.mark.parametrize("at", [2, 150])
def test_an_arm_that_diverged_altogether_sets_no_budget_and_is_not_forgotten(
    copied: Callable[[str], Path], at: int
) -> None:
    path = copied("batch-size")
    before = tables.budget_table(load_run(path))
    rows = pd.read_parquet(path / records.TRIALS)
    own = rows["arm"] == "2"
    rows.loc[own, ["status", "diverged_at", "iterations", "score"]] = ["diverged", at, at, None]
    rows.to_parquet(path / records.TRIALS)
    curves = pd.read_parquet(path / records.CURVES)
    curves[~((curves["trial"] == "2") & (curves["iteration"] > at))].to_parquet(path / records.CURVES)
    table = tables.budget_table(load_run(path))
    lost = table[table["arm"] == "2"]
    assert np.isinf(lost["score"]).all()
    assert (lost["diverged"] == lost["n"]).all()
    same = ("iterations", "32")
    amounts = [one.set_index(["budget", "arm"]).loc[same, "amount"] for one in (before, table)]
    assert amounts[0] == amounts[1]
