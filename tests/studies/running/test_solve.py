"""One problem in this process: its records, its summary and what trains again from them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from analysis.doubts import warnings
from analysis.load import load_run
from analysis.report import make_tables
from analysis.tables import polish_table
from dgm_core import ConfigurationError, Problem, Setup, load_problem, train
from dgm_core.formulation import Box, Dirichlet
from dgm_core.training import load_field
from studies.records import read_study, write_study
from studies.records.events import Polishing
from studies.records.log import read_log
from studies.running.rerun import rerun
from studies.running.solve import Solved, solve_setup
from studies.trials import trainable

SETUP = Setup.named(load_problem("heat")).changed({"width": 8, "batch_size": 8, "iterations": 150})


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Solved:
    out = tmp_path_factory.mktemp("out")
    return solve_setup(SETUP, out=out, replicates=3, seed=2, run="one", model=out / "model.pt")


def test_the_summary_is_what_training_gives(solved: Solved) -> None:
    summary = solved.summary
    seeds = [replicate["seed"] for replicate in summary["replicates"]]
    direct = train(SETUP, seeds)
    assert [replicate["mae"] for replicate in summary["replicates"]] == direct.errors.mae
    assert summary["mae"]["median"] == pytest.approx(np.median(direct.errors.mae))
    assert summary["rel_l2"]["n"] == 3
    assert summary["iterations"] == 150
    assert summary["status"] == "completed"
    assert json.loads((solved.folder / "errors.json").read_text()) == summary


def test_another_seed_gives_other_replicates(solved: Solved, tmp_path: Path) -> None:
    other = solve_setup(SETUP.changed({"iterations": 5}), out=tmp_path, replicates=3, seed=3)
    seeds = {replicate["seed"] for replicate in solved.summary["replicates"]}
    assert not seeds & {replicate["seed"] for replicate in other.summary["replicates"]}


def test_a_saved_model_predicts_what_the_record_holds(solved: Solved) -> None:
    solution = pd.read_parquet(solved.folder / "solutions.parquet")
    rows = solution[solution["replicate"] == 1]
    points = torch.tensor(rows[["x", "t"]].to_numpy()).expand(3, -1, -1)
    field = load_field(solved.folder.parent.parent / "model.pt")
    np.testing.assert_array_equal(field(points)[1, :, 0], rows["prediction_u"])
    exact = np.sin(rows["x"]) * np.exp(-rows["t"])
    np.testing.assert_allclose(rows["reference_u"], exact, atol=1e-12)


def test_a_recorded_trial_trains_to_the_same_curve_again(solved: Solved) -> None:
    verdicts, differences = rerun(solved.folder)
    assert differences == []
    assert [(verdict.trial, verdict.equal) for verdict in verdicts] == [("paper", True)]
    said = "equal bit for bit over 150 iterations, with its errors at the end and weights (on cpu)"
    assert verdicts[0].words == said


@pytest.fixture(scope="module")
def polished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    changes = {"polish_iterations": 4, "polish_points": 8, "width": 4, "iterations": 20}
    setup = Setup.named(load_problem("exponential-decay")).changed({**changes, "hard_conditions": True})
    return solve_setup(setup, out=tmp_path_factory.mktemp("polished"), replicates=2).folder


def copy_of(run: Path, folder: Path) -> Path:
    shutil.copytree(run, folder / "copy")
    return folder / "copy"


def test_the_errors_after_a_polish_are_compared(polished: Path, tmp_path: Path) -> None:
    assert rerun(polished)[0][0].equal
    folder = copy_of(polished, tmp_path)
    rows = pd.read_parquet(folder / "trials.parquet")
    rows.loc[1, "rel_l2"] *= 1.01
    rows.to_parquet(folder / "trials.parquet")
    verdict = rerun(folder)[0][0]
    assert not verdict.agrees
    assert f"other errors at the end: rel_l2 of seed {rows.loc[1, 'seed']} is" in verdict.words


def test_the_weights_that_were_kept_are_compared(polished: Path, tmp_path: Path) -> None:
    folder = copy_of(polished, tmp_path)
    path = folder / "models" / "solution.pt"
    kept = torch.load(path, weights_only=True)
    name = next(iter(kept["weights"]))
    kept["weights"][name][1] += 1e-3
    torch.save(kept, path)
    verdict = rerun(folder)[0][0]
    assert not verdict.agrees
    assert f"other weights: {name}" in verdict.words
    path.unlink()
    assert rerun(folder)[0][0].words.endswith("with its errors at the end (on cpu)")


def test_a_record_without_errors_is_compared_by_its_losses(polished: Path, tmp_path: Path) -> None:
    folder = copy_of(polished, tmp_path)
    shutil.rmtree(folder / "models")
    rows = pd.read_parquet(folder / "trials.parquet")
    rows[["trial", "replicate", "seed"]].to_parquet(folder / "trials.parquet")
    assert rerun(folder)[0][0].words == "equal bit for bit over 20 iterations and 4 steps of polish (on cpu)"


def test_a_device_that_is_not_here_is_a_difference(polished: Path, tmp_path: Path) -> None:
    folder = copy_of(polished, tmp_path)
    record = read_study(folder)
    record.device = "cuda"
    write_study(folder, record)
    if not torch.cuda.is_available():
        assert rerun(folder)[1] == ["device cuda → cpu"]


def test_a_changed_record_is_found_out(solved: Solved, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in ("study.json", "trials.parquet", "curves.parquet"):
        (folder / name).write_bytes((solved.folder / name).read_bytes())
    curves = pd.read_parquet(folder / "curves.parquet")
    curves.loc[(curves["iteration"] == 120) & (curves["replicate"] == 2), "loss_left"] *= 1.001
    curves.to_parquet(folder / "curves.parquet")
    verdict = rerun(folder)[0][0]
    assert not verdict.agrees
    assert "from iteration 120 on" in verdict.words


def test_elsewhere_a_curve_may_differ_in_rounding_and_what_differs_is_named(
    solved: Solved, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    (folder / "trials.parquet").write_bytes((solved.folder / "trials.parquet").read_bytes())
    record = read_study(solved.folder)
    record.versions["torch"] = "1.0"
    record.commit = "0123456789abcdef+changes"
    (folder / "study.json").write_text(record.model_dump_json())
    curves = pd.read_parquet(solved.folder / "curves.parquet")
    loss = [name for name in curves.columns if name.startswith("loss")]
    curves[loss] *= np.float32(1.0 + 1e-5)
    curves.to_parquet(folder / "curves.parquet")
    verdicts, differences = rerun(folder)
    assert any(name.startswith("torch 1.0") for name in differences)
    assert any(name.startswith("commit 0123456+changes → ") for name in differences)
    assert verdicts[0].agrees
    assert not verdicts[0].equal


def test_an_unknown_trial_or_folder_is_refused(solved: Solved, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="unknown trial of this run '7': it must be paper"):
        rerun(solved.folder, ["7"])
    with pytest.raises(ConfigurationError, match="is not a run"):
        rerun(tmp_path)


def test_curves_of_before_polishes_were_recorded_are_read_and_compared(
    solved: Solved, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in ("study.json", "trials.parquet"):
        (folder / name).write_bytes((solved.folder / name).read_bytes())
    curves = pd.read_parquet(solved.folder / "curves.parquet").drop(columns="polish")
    curves.to_parquet(folder / "curves.parquet")
    assert rerun(folder)[0][0].equal
    old, new = load_run(folder), load_run(solved.folder)
    assert old.polish(["paper"]).empty
    pd.testing.assert_frame_equal(old.errors, new.errors)
    pd.testing.assert_frame_equal(old.losses(["paper"]), new.losses(["paper"]))


def test_a_polish_is_told_and_logged_as_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainable, "REPORT_SECONDS", 0.0)
    changes = {"windows": 2, "polish_iterations": 6, "polish_points": 8, "width": 4, "iterations": 20}
    setup = Setup.named(load_problem("exponential-decay")).changed({**changes, "hard_conditions": True})
    told: list[tuple[bool, int, int]] = []
    solved = solve_setup(
        setup,
        out=tmp_path,
        replicates=2,
        run="one",
        on_progress=lambda far, loss, score: told.append((far.polishing, far.window, far.of)),
    )
    assert list(dict.fromkeys(told)) == [(False, 0, 20), (True, 0, 6), (False, 1, 20), (True, 1, 6)]
    read = load_run(solved.folder)
    steps = read.polish(["paper"])
    assert list(steps["iteration"].unique()) == [10, 20]
    assert not steps["loss"].isna().any()
    assert len(read.losses(["paper"])) == 2 * 20, "an iteration is no step of a polish"
    last = steps[steps["iteration"] == 20].groupby("replicate").last()
    assert list(read.trials["loss"]) == pytest.approx(list(last["loss"])), "of what is scored"
    assert list(read.trials["score"]) == pytest.approx(list(last["score"]))
    assert [row.score for row in read.errors.itertuples() if row.iteration == 20] == list(last["score"])
    assert list(polish_table(read)["after_iteration"]) == [10, 20]
    words = rerun(solved.folder)[0][0].words
    assert words.startswith(f"equal bit for bit over 20 iterations and {len(steps) // 2} steps of polish, ")
    curves = pd.read_parquet(solved.folder / "curves.parquet")
    first = (curves["iteration"] == 10) & (curves["polish"] == 1)
    curves.assign(loss=curves["loss"].where(~first, 7.0)).to_parquet(solved.folder / "curves.parquet")
    assert "from step 1 of the polish after iteration 10 on" in rerun(solved.folder)[0][0].words
    logged = [event for event in read_log(solved.folder) if isinstance(event, Polishing)]
    assert {event.iterations for event in logged} == {10, 20}
    assert all(event.of == 6 for event in logged)
    assert len(logged) <= 10


class Unstarted(Problem):
    """u_t = u_xx without an initial value."""

    domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))

    def equation(self, y: Any) -> Any:
        return y.d("t") - y.d("x", "x")

    @property
    def conditions(self) -> Any:
        return {"ends": (self.domain.boundary, Dirichlet(1.0))}


def test_what_is_missing_is_told_before_and_recorded(tmp_path: Path) -> None:
    setup = Setup.named(Unstarted()).changed({"iterations": 2, "polish_iterations": 0, "width": 4})
    told: list[str] = []
    solved = solve_setup(setup, out=tmp_path, replicates=1, tell=told.append)
    (said,) = told
    assert said.startswith("Warning: No condition of unstarted holds at an instant")
    assert solved.summary["warnings"] == [said.removeprefix("Warning: ")]
    run = load_run(solved.folder)
    assert any("No condition of unstarted" in reason for reason in warnings(run, make_tables(run)))


def test_a_solve_from_python_does_without_ray() -> None:
    code = "import sys; from studies import solve; print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
