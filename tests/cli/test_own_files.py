"""A folder of one's own, outside the checkout: run, solved, reported and rerun."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from dgm_cli.app import main
from dgm_core import extensions
from studies.tune import launch

pytestmark = pytest.mark.usefixtures("own_files")

NETWORK = "from dgm_core.networks.mlp import MLP\n\nclass OwnNet(MLP):\n    pass\n"


def dgm(line: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["dgm", *line])
    with pytest.raises(SystemExit) as ending:
        main()
    return int(ending.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    own = tmp_path / "mine"
    own.mkdir()
    monkeypatch.chdir(own)
    assert dgm(["new", "problem", "own-wave"], monkeypatch) == 0
    assert dgm(["new", "study", "own-study", "--problem", "own_wave.py"], monkeypatch) == 0
    (own / "own_net.py").write_text(NETWORK)
    return own


def test_new_files_are_listed_and_never_overwritten(folder, monkeypatch, capsys) -> None:
    capsys.readouterr()
    assert dgm(["list", "own_wave.py", "own_study.py"], monkeypatch) == 0
    listed = capsys.readouterr().out
    assert "own-wave" in listed
    assert "own-study" in listed
    assert "fredholm" not in listed
    assert dgm(["new", "problem", "own-wave"], monkeypatch) == 2
    assert "own_wave.py exists" in capsys.readouterr().err
    assert dgm(["new", "problem", "Own Wave"], monkeypatch) == 2


def test_a_new_file_can_be_imported_and_its_name_is_free(folder, monkeypatch, capsys) -> None:
    """Python has modules calendar and json; the program has a problem and a search of the heat equation."""
    assert dgm(["new", "problem", "calendar"], monkeypatch) == 0
    assert "dgm solve calendar_problem.py" in capsys.readouterr().err
    assert dgm(["list", "calendar_problem.py"], monkeypatch) == 0
    for line, told in (
        ("problem heat", "the problem 'heat' exists already"),
        ("study heat-search", "the study 'heat-search' exists already"),
        ("problem mine --out json.py", "is a module 'json' as well"),
        ("problem mine --out my-own.py", "a Python file's name is an identifier"),
    ):
        assert dgm(["new", *line.split()], monkeypatch) == 2
        assert told in capsys.readouterr().err


@pytest.mark.usefixtures("undrawn")
def test_a_problem_is_solved_from_its_file_with_a_network_of_another(folder, monkeypatch, capsys) -> None:
    line = "solve own_wave.py --with own_net.py --set network=own-net --iterations 30 --name a --json"
    assert dgm(line.split(), monkeypatch) == 0
    outcome = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert outcome["config"]["network"] == "own-net"
    run = folder / "results/solve-own-wave/a"
    assert {path.name for path in (run / "sources").rglob("*.py")} == {"own_wave.py", "own_net.py"}
    (folder / "own_wave.py").write_text("raise RuntimeError('changed')\n")
    extensions.unload()
    assert dgm(["report", str(run)], monkeypatch) == 0
    assert dgm(["rerun", str(run), "--check"], monkeypatch) == 0
    assert dgm(["rerun", str(run)], monkeypatch) == 0, "it was made here, of these very files"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "elsewhere"))
    extensions.unload()
    assert dgm(["rerun", str(run)], monkeypatch) == 2, "code of a run folder is not run unasked"
    assert dgm(["rerun", str(run), "--trust"], monkeypatch) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "own_wave.py has changed" in told
    assert "equal bit for bit" in told


def test_what_a_file_lacks_is_a_sentence(folder, monkeypatch, capsys) -> None:
    assert dgm(["run", "own_wave.py"], monkeypatch) == 2
    assert "own_wave.py defines no study." in capsys.readouterr().err
    text = (folder / "own_wave.py").read_text()
    (folder / "two.py").write_text(
        text + text.replace("class OwnWave", "class Second").replace("own-wave", "second")
    )
    assert dgm(["solve", "two.py"], monkeypatch) == 2
    assert "defines more than one problem: give one of own-wave, second" in capsys.readouterr().err
    wrong = text.replace("own-wave", "wrong").replace("y.laplacian()", "y.nothing()")
    (folder / "wrong.py").write_text(wrong)
    extensions.unload()
    assert dgm(["solve", "wrong.py"], monkeypatch) == 2
    told = capsys.readouterr().err
    assert "wrong.py, line" in told
    assert "y has no attribute 'nothing'" in told
    assert "Traceback" not in told


@pytest.mark.ray
def test_a_study_of_one_s_own_runs_on_workers_that_lack_its_folder(folder, monkeypatch, capsys) -> None:
    line = "run own_study.py --with own_net.py --set network=own-net --trials 2 --quick --cores 2"
    line += " --time-limit 600 --name a"
    assert dgm([*line.split(), "--json"], monkeypatch) == 0, capsys.readouterr().err
    outcome = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert outcome["failed"] == 0
    assert outcome["completed"] >= 1
    run = folder / "results/own-study/a"
    trials = pd.read_parquet(run / "trials.parquet")
    assert set(trials["config/network"]) >= {"own-net"}
    from studies import Result

    field = Result(run).field()
    import torch

    assert field(torch.rand(6, 4, 2)).shape == (6, 4, 1)


FAULTS = """
from dgm_core import Setup, load_problem
from studies import Ablation

STUDY = Ablation(
    name="faults",
    base=Setup.named(load_problem("own-wave")).changed({"iterations": 20, "batch_size": 8}),
    arms={"raises": {"batch_size": 4}, "exits": {}},
    baseline="exits",
    replicates=1,
)
"""


@pytest.mark.ray
@pytest.mark.usefixtures("undrawn")
def test_a_problem_that_fails_in_a_worker_is_one_line_in_the_table(folder, monkeypatch, capsys) -> None:
    text = (folder / "own_wave.py").read_text()
    later = """    def equation(self, y):
        if y.value.dtype == torch.float32:
            raise OSError("no disk") if y.value.shape[1] == 4 else SystemExit(3)"""
    (folder / "own_wave.py").write_text(text.replace("    def equation(self, y):", later, 1))
    (folder / "faults.py").write_text(FAULTS)
    monkeypatch.setattr(launch, "_MAX_FAILURES", 0)  # each time in a new worker
    line = "run faults --with own_wave.py --with faults.py --cores 1 --name b"
    assert dgm(line.split(), monkeypatch) == 1
    told = capsys.readouterr().err
    assert "Traceback" not in told
    trials = pd.read_parquet(folder / "results/faults/b/trials.parquet").set_index("trial")
    assert set(trials["status"]) == {"failed"}
    assert "no disk" in trials.loc["raises", "error"]
    assert "SystemExit: 3" in trials.loc["exits", "error"]
