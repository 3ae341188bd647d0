"""Input scaling, hard conditions and time windows: what the trained field is made of."""

from __future__ import annotations

import pytest
import torch

from dgm_core import Trainer, train
from dgm_core.formulation import Axis
from dgm_core.training.evaluation import predict
from dgm_core.training.scaling import UnitScaling
from dgm_core.training.solution import Solution

ODE = "exponential-decay"


def test_unit_scaling_maps_the_domain_to_plus_minus_one():
    scaling = UnitScaling([Axis("x", -1.0, 3.0), Axis("t", 0.0, 30.0)])
    corners = torch.tensor([[-1.0, 0.0], [1.0, 15.0], [3.0, 30.0]])
    expected = torch.tensor([[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]])
    torch.testing.assert_close(scaling(corners), expected)


def test_scaling_changes_what_the_network_sees_and_not_the_derivative_s_unit(make_setup):
    setup = make_setup("heat", input_scaling="unit")
    field = Solution(setup, [1]).double()
    x = torch.rand(1, 5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    torch.testing.assert_close(field(x), field.piece(0).network(field.piece(0).scaling(x)))
    gradient = torch.autograd.grad(field(x).sum(), x)[0]
    h = 1e-6
    step = torch.tensor([0.0, h], dtype=torch.float64)
    with torch.no_grad():
        difference = (field(x + step) - field(x - step)) / (2 * h)
    torch.testing.assert_close(gradient[..., 1:], difference, rtol=1e-6, atol=1e-8)


def test_hard_conditions_hold_for_untrained_weights(make_setup):
    field = Solution(make_setup(ODE, hard_conditions=True), [1, 2])
    start = field(torch.zeros(2, 1, 1))
    torch.testing.assert_close(start, torch.full_like(start, 2.0))
    assert (Solution(make_setup(ODE), [1, 2])(torch.zeros(2, 1, 1)) - 2).abs().min() > 1e-3


def test_hard_terms_stay_in_the_columns_as_zeros(make_setup):
    result = train(make_setup(ODE, hard_conditions=True), [1, 2])
    columns = result.curves.columns
    assert columns == train(make_setup(ODE), [1]).curves.columns
    losses = dict(zip(columns, result.curves.losses.unbind(-1), strict=True))
    assert not losses["loss_initial"].any()
    assert torch.equal(losses["loss"], losses["loss_interior"])


def test_windows_split_time_and_iterations_evenly(make_setup):
    trainer = Trainer(make_setup(ODE, windows=4, iterations=62), [1])
    assert trainer.network.edges == [0.0, 0.25, 0.5, 0.75, 1.0]
    ends = []
    while not trainer.done:
        before = trainer._stage.window
        trainer.advance(trainer.iteration + 1)
        if trainer._stage.window != before:
            ends.append(trainer.iteration)
        low, high = trainer._stage.piece.problem.inputs[0].lower, trainer._stage.piece.problem.inputs[0].upper
        assert (low, high) == tuple(trainer.network.edges[trainer._stage.window :][:2])
    assert ends == [15, 31, 46]


def test_one_window_s_training_leaves_the_others(make_setup):
    trainer = Trainer(make_setup(ODE, windows=3), [1])
    trainer.advance(25)
    before = trainer.network.weights()
    trainer.advance(39)
    after = trainer.network.weights()
    for name, value in after.items():
        if name.startswith("pieces."):
            moved = not torch.equal(value, before[name])
            assert moved == name.startswith("pieces.1.")


def test_hard_windows_are_continuous_where_they_meet(make_setup):
    result = train(make_setup(ODE, windows=3, hard_conditions=True, input_scaling="unit"), [1, 2])
    field = Solution(result.setup, result.seeds)
    field.load(result.weights)
    field.double()
    for j in (1, 2):
        edge = torch.full((2, 1, 1), field.edges[j], dtype=torch.float64)
        torch.testing.assert_close(field.piece(j)(edge), field.piece(j - 1)(edge), rtol=1e-9, atol=1e-9)
        initial = field.initials[j]
        torch.testing.assert_close(initial, field.piece(j - 1)(edge)[:, 0], rtol=1e-6, atol=1e-6)


def test_a_window_starts_with_its_neighbour_s_weights(make_setup):
    trainer = Trainer(make_setup(ODE, windows=2), [1, 2])
    trainer.advance(30)
    first, second = trainer.network.pieces
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])


def test_a_field_in_windows_takes_each_time_from_its_window(make_setup):
    field = Solution(make_setup(ODE, windows=3), [1]).double()
    t = torch.tensor([0.0, 0.2, 1 / 3, 0.5, 2 / 3, 0.9, 1.0], dtype=torch.float64)[None, :, None]
    with torch.no_grad():
        t[0, 2, 0], t[0, 4, 0] = field.edges[1], field.edges[2]
        y = field(t)[0, :, 0]
        window = [0, 0, 0, 1, 1, 2, 2]  # an edge belongs to the earlier
        for i, j in enumerate(window):
            assert y[i] == pytest.approx(field.piece(j)(t)[0, i, 0].item(), rel=1e-12)
    for j, (piece, inside) in enumerate(field.parts(t[0])):
        assert piece is field.piece(j)
        assert inside.tolist() == [w == j for w in window]


def test_the_error_is_that_over_the_whole_domain(make_setup):
    trainer = Trainer(make_setup(ODE, windows=2), [1, 2])
    trainer.advance(30)
    points = trainer.evaluation.points.expand(2, -1, -1)
    torch.testing.assert_close(trainer.predict(), predict(trainer.network, points), rtol=1e-6, atol=1e-7)
    half = trainer.evaluate().mae
    trainer.advance(60)
    assert all(end < before for end, before in zip(trainer.evaluate().mae, half, strict=True))


def test_windows_solve_a_problem(make_setup):
    setup = make_setup(
        ODE,
        windows=3,
        hard_conditions=True,
        input_scaling="unit",
        iterations=600,
        width=16,
        batch_size=16,
        schedule="cosine",
    )
    assert max(train(setup, [1, 2]).errors.mae) < 0.01


def test_a_diverged_replicate_stays_alone_across_windows(make_setup):
    setup = make_setup(ODE, windows=3, hard_conditions=True, polish_iterations=2, polish_points=8)
    healthy, harmed = Trainer(setup, [1, 2]), Trainer(setup, [1, 2])
    harmed.advance(10)
    with torch.no_grad():
        for parameter in harmed.network.pieces[0].parameters():
            parameter[0] = torch.nan
    for trainer in (healthy, harmed):
        trainer.advance(60)
        assert trainer.done
    assert torch.equal(harmed.curves.losses[:, 1], healthy.curves.losses[:, 1])
    assert torch.equal(harmed.predict()[1], healthy.predict()[1])
    assert [str(s) for s in harmed.result().status] == ["diverged", "completed"]
