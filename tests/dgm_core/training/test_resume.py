"""A training that is stopped and resumed ends bit for bit where it would have ended."""

from __future__ import annotations

import pytest
import torch

from dgm_core import ConfigurationError, Trainer
from dgm_core.training import checkpoint
from dgm_core.training.adjusting import adjusted
from dgm_core.training.polish import Polish

ODE = "exponential-decay"
OPTIONS = {
    "plain": ("heat", {}),
    "sobol": ("heat", {"sampler": "sobol"}),
    "stratified": ("heat", {"sampler": "stratified"}),
    "dropout": ("heat", {"dropout": 0.2}),
    "averaging": ("heat", {"averaging": 0.9}),
    "normalised": ("heat", {"batch_norm": "before"}),
    "adamw": ("heat", {"optimizer": "adamw", "schedule": "cosine", "clip_norm": 0.5}),
    "windows": (ODE, {"windows": 3, "input_scaling": "unit"}),
    "hard windows": (ODE, {"windows": 3, "hard_conditions": True, "averaging": 0.5, "dropout": 0.1}),
    "soap": ("heat", {"optimizer": "soap", "precision": "float64"}),
    "muon": ("heat", {"optimizer": "muon"}),
    "rmsprop": ("heat", {"optimizer": "rmsprop", "beta2": 0.9}),
    "momentum": ("heat", {"optimizer": "sgd", "momentum": 0.9}),
    "redrawn": ("heat", {"redraw_every": 7}),
    "fixed": ("heat", {"redraw_every": 0, "precision": "float64"}),
    "rad": ("heat", {"redraw_every": 5, "adaptation": "rad"}),
    "r3": ("heat", {"adaptation": "r3"}),
    "fourier": ("heat", {"embedding": "fourier", "embedding_features": 4, "weight_factorisation": 0.5}),
    "fourier windows": (ODE, {"windows": 3, "embedding": "fourier", "embedding_features": 4}),
    "piratenet": ("heat", {"network": "piratenet", "activation_slope": 3.0}),
    "gradient norms": ("heat", {"balancing": "gradient-norm", "balance_every": 8}),
    "tangent kernel": (ODE, {"balancing": "ntk", "balance_every": 8, "windows": 3}),
    "attention": ("heat", {"balancing": "residual-attention", "redraw_every": 0}),
    "least squares": ("heat", {"last_layer": "least-squares", "optimizer": "ssbroyden"}),
    "energy": ("poisson-l-shape", {"formulation": "energy", "optimizer": "gauss-newton", "batch_size": 60}),
    "energy, adam": ("poisson-l-shape", {"formulation": "energy"}),
    "lbfgs": ("heat", {"optimizer": "lbfgs"}),
    "ssbroyden": ("heat", {"optimizer": "ssbroyden", "redraw_every": 10}),
    "gauss-newton": ("heat", {"optimizer": "gauss-newton", "batch_size": 40}),
    "gauss-newton, few points": ("heat", {"optimizer": "gauss-newton"}),
    "geodesic": ("heat", {"optimizer": "geodesic-gauss-newton", "batch_size": 40, "redraw_every": 7}),
    "geodesic, few points": (ODE, {"optimizer": "geodesic-gauss-newton", "windows": 3}),
    "spring, adapted": ("heat", {"optimizer": "spring", "redraw_every": 4, "adaptation": "rad"}),
    "spring": (ODE, {"optimizer": "spring", "redraw_every": 1, "windows": 3, "input_scaling": "unit"}),
    "polish by gauss-newton": (
        ODE,
        {
            "windows": 3,
            "polish_iterations": 4,
            "polish_points": 8,
            "polish": "gauss-newton",
            "polish_redraw_every": 2,
        },
    ),
    "windows in space": ("heat", {"windows": 3, "hard_conditions": True}),
    "windows in space, polished": (
        "advection",
        {"windows": 2, "polish_iterations": 3, "polish_points": 8},
    ),
    "polish": (ODE, {"windows": 3, "hard_conditions": True, "polish_iterations": 3, "polish_points": 8}),
}


def through_a_file(state, folder):
    checkpoint.save(state, folder)
    return checkpoint.load(folder)


@pytest.mark.parametrize(
    ("option", "at"),
    [
        ("dropout", 0),
        ("windows", 20),
        ("polish", 40),
        ("gauss-newton", 0),
        *((option, 33) for option in OPTIONS),
    ],
)
def test_resumed_equals_uninterrupted(make_setup, same_training, tmp_path, option, at):
    problem, changes = OPTIONS[option]
    setup = make_setup(problem, **changes)
    whole = Trainer(setup, [4, 9])
    whole.advance(at)
    state = whole.state()
    whole.advance(60)  # after the state was taken: it must be a copy
    resumed = Trainer(setup, [4, 9])
    resumed.restore(through_a_file(state, tmp_path))
    assert resumed.iteration == at
    resumed.advance(60)
    same_training(whole, resumed)
    assert resumed.done


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_polish_that_is_interrupted_goes_on_with_its_next_step(
    make_setup, same_training, tmp_path, monkeypatch, steps
):
    problem, changes = OPTIONS["polish"]
    setup = make_setup(problem, **changes)
    whole, stopped = Trainer(setup, [4, 9]), Trainer(setup, [4, 9])
    whole.advance(60)
    step, taken = Polish.step, []

    def interrupted(polish):
        if polish.window == 1 and len(taken) == steps:
            raise KeyboardInterrupt
        step(polish)
        taken.extend([polish] if polish.window == 1 else [])

    monkeypatch.setattr(Polish, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stopped.advance(60)
    monkeypatch.undo()
    assert stopped.iteration == 40
    assert stopped.polishing
    resumed = Trainer(setup, [4, 9])
    resumed.restore(through_a_file(stopped.state(), tmp_path))
    resumed.advance(60)
    same_training(whole, resumed)
    assert [(p.window, p.replicate) for p in resumed.polished] == [(j, k) for j in range(3) for k in range(2)]
    assert [p.evaluations for p in resumed.polished] == [p.evaluations for p in whole.polished]


def test_errors_and_seconds_are_restored(make_setup):
    trainer = Trainer(make_setup(), [1])
    trainer.advance(10)
    trainer.evaluate()
    resumed = Trainer(make_setup(), [1])
    resumed.restore(trainer.state())
    assert resumed.curves.errors == trainer.curves.errors
    assert resumed.seconds == trainer.seconds > 0


def test_the_state_of_an_older_version_that_did_not_know_a_setting_is_gone_on_from(make_setup):
    trainer = Trainer(make_setup(), [1])
    trainer.advance(10)
    older = trainer.state()
    for key in ("formulation", "last_layer"):
        del older["setup"]["config"][key]
    resumed = Trainer(make_setup(), [1])
    resumed.restore(older)
    assert resumed.iteration == 10
    assert adjusted(older, make_setup())["setup"] == make_setup().to_dict()
    with pytest.raises(ConfigurationError, match="another configuration"):
        Trainer(make_setup(last_layer="least-squares"), [1]).restore(older)


@pytest.mark.parametrize(("changes", "seeds"), [({"width": 9}, [1, 2]), ({}, [1, 3])])
def test_another_setup_or_other_seeds_are_refused(make_setup, changes, seeds):
    state = Trainer(make_setup(), [1, 2]).state()
    with pytest.raises(ConfigurationError, match="another configuration or other seeds"):
        Trainer(make_setup(**changes), seeds).restore(state)


def test_a_checkpoint_replaces_the_older_one_and_leaves_no_part(make_setup, tmp_path):
    trainer = Trainer(make_setup(), [1])
    checkpoint.save(trainer.state(), tmp_path)
    trainer.advance(3)
    checkpoint.save(trainer.state(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [checkpoint.FILE_NAME]
    assert torch.load(tmp_path / checkpoint.FILE_NAME, weights_only=True)["iteration"] == 3


def test_a_training_whose_residuals_are_rounding_goes_on_the_same_way(make_setup, same_training):
    """Where they are, the ways to differentiate agree in no digit, which must not decide between them."""
    setup = make_setup(ODE)
    whole = Trainer(setup, range(8))
    whole.advance(3)
    piece = whole._stage.piece
    bias = list(piece.network.parameters())[-1]
    start = torch.zeros(8, 1, 1)
    with torch.no_grad():
        for _ in range(3):
            bias += (setup.problem.initial - piece(start)).reshape(bias.shape)
        assert torch.allclose(piece(start), torch.full_like(start, setup.problem.initial), rtol=1e-6)
    resumed = Trainer(setup, range(8))
    resumed.restore(whole.state())
    for trainer in (whole, resumed):
        trainer.advance(10)
    assert resumed.operations == whole.operations
    same_training(whole, resumed)
