"""A field saved and loaded is the field that was evaluated."""

from __future__ import annotations

import pytest
import torch

from dgm_core import ConfigurationError, Trainer, load_problem
from dgm_core.training import load_field, save_model

OPTIONS = {
    "plain": ("heat", {}),
    "normalised": ("heat", {"batch_norm": "before", "dropout": 0.2}),
    "averaged": ("heat", {"averaging": 0.9, "input_scaling": "unit"}),
    "dgm": ("fredholm", {"network": "dgm", "width": 4, "iterations": 5}),
    "windows": ("exponential-decay", {"windows": 3, "hard_conditions": True}),
    "polished": ("exponential-decay", {"windows": 2, "polish_iterations": 2, "polish_points": 8}),
}


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("at", [4, 60])
def test_the_loaded_field_is_the_evaluated_one(make_setup, tmp_path, option, at):
    problem, changes = OPTIONS[option]
    trainer = Trainer(make_setup(problem, **changes), [3, 8])
    trainer.advance(at)
    save_model(trainer.result(), tmp_path / "field.pt")
    field = load_field(tmp_path / "field.pt")
    y = field(trainer.evaluation.points.expand(2, -1, -1))
    assert y.dtype == torch.float64
    torch.testing.assert_close(y, trainer.predict(), rtol=1e-6, atol=1e-7)


def test_the_file_is_plain_data(make_setup, tmp_path):
    trainer = Trainer(make_setup(), [3, 8])
    save_model(trainer.result(), tmp_path / "field.pt")
    content = torch.load(tmp_path / "field.pt", weights_only=True)
    assert content["setup"]["problem"] == "heat"
    assert content["seeds"] == [3, 8]
    assert all(value.shape[0] == 2 for value in content["weights"].values())


def test_a_loaded_field_has_derivatives(make_setup, tmp_path):
    save_model(Trainer(make_setup(), [3]).result(), tmp_path / "field.pt")
    field, heat = load_field(tmp_path / "field.pt"), load_problem("heat")
    points = {term: torch.rand(1, 4, 2, dtype=torch.float64) for term in heat.regions()}
    assert heat.residuals(field, points)["interior"].abs().max() > 0


def _other(path):
    torch.save({"weights": {}}, path)


def _module(path):
    torch.save(torch.nn.Linear(1, 1), path)


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (_other, "is not a saved field"),
        (_module, "is not a saved field"),
        (lambda path: path.write_text("weights"), "is not a saved field"),
        (lambda path: path.touch(), "is not a saved field"),
        (lambda path: path.mkdir(), "cannot be read"),
        (lambda path: None, "cannot be read: No such file"),
    ],
)
def test_another_file_is_refused_in_one_sentence(tmp_path, write, sentence):
    write(tmp_path / "other.pt")
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        load_field(tmp_path / "other.pt")
    assert "\n" not in str(refused.value)


def test_a_class_that_was_not_imported_is_asked_for(make_setup, tmp_path):
    path = tmp_path / "own.pt"
    save_model(Trainer(make_setup(), [3]).result(), path)
    content = torch.load(path, weights_only=True)
    content["setup"]["problem"] = "own-equation"
    torch.save(content, path)
    with pytest.raises(
        ConfigurationError, match=r"unknown problem 'own-equation'.* once its file is imported"
    ):
        load_field(path)
