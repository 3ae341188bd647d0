"""The commands as a user calls them: what goes to which stream, and the exit code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from dgm_cli.app import app, call
from dgm_cli.names import names
from dgm_core import PROBLEMS, ConfigurationError
from studies.catalog import STUDIES
from studies.objectives import OBJECTIVES
from studies.samplers import SAMPLERS
from studies.stopping import RULES
from studies.study.edits import arms_of
from studies.tune.offered import POPULATIONS, SCHEDULERS, SEARCHERS


def dgm(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dgm_cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The folder of a short solve, for reading only, and what it said."""
    out = tmp_path_factory.mktemp("solved")
    length = ("--iterations", "60", "--replicates", "2")
    done = dgm("solve", "heat", *length, "--json", "--name", "one", "--out", str(out))
    assert done.returncode == 0, done.stderr
    return out / "solve-heat" / "one", done


def test_solve_logs_its_progress_where_there_is_no_terminal(
    solved: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, done = solved
    assert "heat: 60 of 60 · loss" in done.stderr
    (line,) = done.stdout.splitlines()
    outcome = json.loads(line)
    assert outcome["problem"] == "heat"
    assert outcome["iterations"] == 60
    assert outcome["status"] == "completed"
    assert [row["seed"] for row in outcome["replicates"]] == [7_500, 7_501]
    assert list(Path(outcome["run"]).glob("figures/*.pdf"))


def test_a_quick_reproduction_gives_no_verdict(tmp_path: Path) -> None:
    done = dgm(
        *("reproduce", "--quick", "--problems", "exponential-decay,heat", "--replicates", "2"),
        *("--json", "--out", str(tmp_path)),
    )
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert [row["problem"] for row in outcome["rows"]] == ["exponential-decay", "heat"]
    assert all("no verdict" in row["verdict"] for row in outcome["rows"])
    assert [row["paper_mae"] for row in outcome["rows"]] == [0.0017, 0.0529]
    table = (Path(outcome["run"]) / "table.md").read_text()
    assert "exponential-decay" in table


def test_a_report_needs_neither_torch_nor_ray(
    solved: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(solved[0], tmp_path / "solve-heat" / "one"))
    script = (
        "import sys\n"
        "from dgm_cli.main import main\n"
        f"sys.argv = ['dgm', 'report', {str(folder)!r}]\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    assert not {'torch', 'ray', 'optuna'} & set(sys.modules)\n"
    )
    again = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "files written" in again.stderr


def test_a_mistyped_name_is_answered_before_anything_heavy_is_imported() -> None:
    script = (
        "import sys\n"
        "from dgm_cli.main import main\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    assert not {'torch', 'ray', 'optuna', 'pandas', 'matplotlib'} & set(sys.modules)\n"
    )
    for line in (
        "solve heatt",
        "run heat-serch",
        "solve heat-search",
        "check heet",
        "reproduce --problems heet",
    ):
        done = subprocess.run([sys.executable, "-c", script, *line.split()], capture_output=True, text=True)
        assert done.returncode == 2, done.stderr
        assert done.stderr.startswith("dgm: ")


def test_the_files_of_the_program_are_the_names_of_what_they_define() -> None:
    """As what refuses a name before they are imported has it."""
    assert names("problem") == PROBLEMS.names()
    assert names("study") == STUDIES.names()


def test_the_version_is_that_of_the_package() -> None:
    done = dgm("--version")
    assert (done.returncode, done.stdout) == (0, f"dgm-studies {version('dgm-studies')}\n")


def test_a_shell_completes_commands_and_names() -> None:
    def words(line: str) -> list[str]:
        environment = {
            **os.environ,
            "_DGM_COMPLETE": "complete_bash",
            "COMP_WORDS": f"dgm {line}",
            "COMP_CWORD": str(len(line.split())),
        }
        code = "import sys; sys.argv = ['dgm']; from dgm_cli.main import main; main()"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
        return done.stdout.split()

    assert words("sol") == ["solve"]
    assert words("solve heat-") == ["heat-cauchy", "heat-family", "heat-mixed", "heat-neumann", "heat-robin"]
    assert "heat-search" in words("run heat-s")


def test_arms_are_between_semicolons_or_commas() -> None:
    assert arms_of("1,64, 1024", ["1", "64", "1024"]) == ["1", "64", "1024"]
    assert arms_of("1; 64", ["1", "64"]) == ["1", "64"]
    assert arms_of("tanh, none", ["tanh, none", "relu, none"]) == ["tanh, none"]
    with pytest.raises(ConfigurationError, match="by semicolons, as 'tanh, none; relu, none'"):
        arms_of("tanh, none, relu, none", ["tanh, none", "relu, none"])


def test_runs_are_compared_in_a_table_that_fits_a_terminal(
    solved: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    runs = [str(shutil.copytree(solved[0], tmp_path / "solve-heat" / name)) for name in ("one", "two")]
    done = dgm("compare", *runs, "--out", str(tmp_path / "all.csv"))
    assert done.returncode == 0, done.stderr
    assert "solve-heat/one" in done.stdout
    assert "MAE" in done.stdout
    assert "…" not in done.stdout
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 3
    again = dgm("compare", *runs, f"{runs[0]}/")
    assert again.stdout == done.stdout


def test_every_name_that_an_option_takes_is_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    app(["list", "samplers"], standalone_mode=False)
    shown = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert {*SAMPLERS.names(), *RULES.names(), *OBJECTIVES.names(), *SEARCHERS, *SCHEDULERS} <= shown
    assert set(POPULATIONS) <= shown


def test_changed_settings_are_not_called_the_paper_s(
    solved: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    record = json.loads((solved[0] / "study.json").read_text())
    assert list(record["setups"]) == ["paper, changed"]
    assert "'paper, changed'" in record["question"]


def test_an_interrupt_that_no_command_sees_to_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*asked: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dgm_cli.catalog.list_runs", interrupted)
    monkeypatch.setattr(sys, "argv", ["dgm", "list", "runs"])
    assert call() == 130
    assert capsys.readouterr().err == "dgm: interrupted.\n"
