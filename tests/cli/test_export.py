"""Settings as a file, from a run or a person, and what a run gives to those without this program."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

from dgm_cli.export import export
from dgm_cli.solve import solve
from dgm_core import ConfigurationError, Setup, load_problem
from dgm_core.training import load_field
from dgm_core.training.settings_file import read_settings
from studies.records.settings_text import settings_text

HEAT = load_problem("heat")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A solve of a few steps with settings of its own."""
    out = tmp_path_factory.mktemp("results")
    settings = ["width=7", "problem.diffusivity=0.5", 'loss_weights={"left": 2.0}']
    solve("heat", settings=settings, iterations=12, replicates=2, out=out, name="one")
    return out / "solve-heat" / "one"


@pytest.mark.parametrize("settings", ["paper", "tuned"])
def test_settings_are_read_back_as_they_were_written(settings: str, tmp_path: Path) -> None:
    for name in ("heat", "fitzhugh-nagumo", "fredholm"):
        setup = Setup.named(load_problem(name), settings)
        file = tmp_path / f"{name}.toml"
        file.write_text(settings_text(setup.to_dict()))
        assert read_settings(file, load_problem(name)) == setup


def test_an_export_holds_settings_weights_and_a_program_that_agree(run: Path, tmp_path: Path) -> None:
    assert export(str(run), to=tmp_path / "out") == 0
    setup = read_settings(tmp_path / "out/settings.toml", HEAT)
    assert setup.config.width == 7
    assert setup.problem.parameters() == {"diffusivity": 0.5}
    program = torch.export.load(tmp_path / "out/field.pt2").module()
    field = load_field(tmp_path / "out/field.pt")
    for count in (1, 50):
        x = torch.rand(2, count, 2, dtype=torch.float64)
        assert torch.equal(program(x), field(x))
    with pytest.raises(ConfigurationError, match=r"settings\.toml exists already"):
        export(str(run), to=tmp_path / "out")


def test_an_export_has_the_appendix_of_a_paper(run: Path, tmp_path: Path) -> None:
    assert export(str(run), to=tmp_path / "out") == 0
    text = (tmp_path / "out/appendix.tex").read_text()
    cited = re.search(r"\\cite\{(.+?)\}", text)
    assert cited is not None
    known = re.findall(r"@\w+\{([^,]+),", (tmp_path / "out/references.bib").read_text())
    assert cited[1].split(",") == known
    assert "\\begin{tabular}" in text
    assert "the Deep Galerkin method" in (tmp_path / "out/appendix.md").read_text()
    for name in ("settings.toml", "field.pt", "field.pt2"):
        (tmp_path / "out" / name).unlink()
    with pytest.raises(ConfigurationError, match=r"appendix\.md exists already"):
        export(str(run), to=tmp_path / "out")
    assert not (tmp_path / "out/settings.toml").exists(), "nothing is written beside what is there"


@pytest.mark.usefixtures("undrawn")
def test_a_run_s_settings_train_the_same_again(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for config in (str(run), f"{run}:paper, changed"):
        name = "again" if ":" not in config else "named"
        solve("heat", config=config, replicates=2, out=tmp_path, name=name, as_json=True)
        outcome = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert outcome["iterations"] == 12
        before, after = (
            torch.load(folder / "models/solution.pt", weights_only=True)["weights"]
            for folder in (run, Path(outcome["run"]))
        )
        assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('problem = "burgers"\n[config]\nwidth = 3\n', "has settings for burgers, not for heat"),
        ("[config]\nwidht = 3\n", "Did you mean 'width'"),
        ("[parameters]\nkappa = 3\n[config]\nwidth = 3\n", "unknown key 'problem.kappa'"),
        ("[setup]\n", "unknown key of"),
        ("width: 3\n", "is not a TOML file"),
        ("", r"has no settings: write them under \[config\]"),
        ("[config]\n", "has no settings"),
        ("config = 3\n", r"config must be a table, \[config\], and is 3"),
        ("parameters = [1]\n", "parameters must be a table"),
        ("[problem]\nname = 'heat'\n", "problem must be the name of one, and is {'name': 'heat'}"),
    ],
)
def test_what_is_wrong_with_a_settings_file_is_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=said) as raised:
        read_settings(file, HEAT)
    assert str(file) in str(raised.value)


def test_what_config_cannot_mean_is_refused(tmp_path: Path, run: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.toml cannot be read"):
        solve("heat", config=str(tmp_path / "absent.toml"))
    with pytest.raises(ConfigurationError, match="is not a run"):
        solve("heat", config=str(tmp_path))
    with pytest.raises(ConfigurationError, match="unknown trial of this run 'best'"):
        solve("heat", config=f"{run}:best")
    with pytest.raises(ConfigurationError, match="give one of them"):
        solve("heat", config=str(run), settings_name="paper")
