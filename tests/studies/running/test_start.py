"""`dgm solve --from MODEL.pt`: goes on from weights, in the same windows, and can be trained again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from dgm_cli.app import main
from dgm_core import ConfigurationError, Setup, Trainer, load_problem
from dgm_core.training import save_model
from studies.running.rerun import rerun
from studies.running.start import weights_of

SMALL = {"width": 6, "depth": 1, "batch_size": 16, "iterations": 60, "learning_rate": 0.01}


def setup(problem="exponential-decay", **changes) -> Setup:
    return Setup.named(load_problem(problem)).changed({**SMALL, **changes})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    trainer = Trainer(setup(windows=2, hard_conditions=True, polish_iterations=5, polish_points=20), [0, 1])
    trainer.advance(60)
    save_model(trainer.result(), tmp_path / "model.pt")
    return tmp_path / "model.pt"


def dgm(line: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["dgm", *line.split()])
    with pytest.raises(SystemExit) as ending:
        main()
    return int(ending.value.code or 0)


def test_every_window_goes_on_from_its_own_weights(model):
    """A step of nothing leaves the saved field as it was, to rounding."""
    ended = Setup.from_dict(torch.load(model, weights_only=True)["setup"])
    still = ended.changed({"iterations": 2, "learning_rate": 1e-30, "polish": "none"})
    trainer, saved = Trainer(still, [5, 6]), Trainer(ended, [0, 1])
    saved.advance(60)
    trainer.start_from(weights_of(model, still, [5, 6]))
    trainer.advance(2)
    torch.testing.assert_close(trainer.predict(), saved.predict(), rtol=1e-4, atol=1e-5)


def test_it_goes_on_on_the_command_line_and_trains_the_same_again(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    line = f"solve exponential-decay --from {model} --iterations 40 --name a --json"
    assert dgm(line, monkeypatch) == 0, capsys.readouterr().err
    outcome = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert outcome["score"]["n"] == 2, "as many seeds as the file has"
    assert outcome["config"]["width"] == 6, "and its settings"
    (verdict,), _ = rerun(tmp_path / "results/solve-exponential-decay/a")
    assert verdict.equal, verdict.words


@pytest.mark.parametrize(
    ("other", "seeds", "words"),
    [
        (
            lambda: setup(width=7, windows=2),
            [0],
            r"the weights do not fit .* has the shape .* there, and .* here",
        ),
        (lambda: setup("heat"), [0], "solves exponential-decay, so its weights cannot be used for heat"),
        (lambda: setup(windows=2), [0, 1, 2], "has 2 replicates: it cannot start 3 replicates"),
    ],
)
def test_weights_of_something_else_are_refused(model, other, seeds, words):
    with pytest.raises(ConfigurationError, match=words):
        weights_of(model, other(), seeds)


def test_a_training_that_has_begun_takes_no_weights(model):
    own = setup(windows=2)
    trainer = Trainer(own, [0, 1])
    trainer.advance(1)
    with pytest.raises(ConfigurationError, match="before the first iteration"):
        trainer.start_from(weights_of(model, own, [0, 1]))
