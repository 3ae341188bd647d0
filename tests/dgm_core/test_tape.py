"""A recorded step gives, replayed, what it would give when run."""

from __future__ import annotations

import math
import random
import sysconfig
from pathlib import Path

import numpy as np
import pytest
import torch

from dgm_core.outside import place_of_the_user
from dgm_core.tape import Repeated, record


def test_replayed_steps_are_those_that_would_have_run():
    def trained(replayed: bool) -> list[torch.Tensor]:
        x = torch.linspace(0, 1, 6).view(2, 3)
        weight = torch.full((3, 2), 0.5).requires_grad_()

        def step():
            padded = x.new_zeros(2, 4)
            padded[:, :3] = x  # filled anew each time
            loss = (torch.sin(padded[:, :3]) @ weight).pow(2).sum()
            (gradient,) = torch.autograd.grad(loss, weight)
            with torch.no_grad():
                weight.sub_(0.1 * gradient)
            return loss.detach()

        losses = [step().clone()]
        loss, tape = record(step)
        losses.append(loss.clone())
        assert tape is not None
        for _ in range(4):
            x += 0.1
            losses.append((tape.replay() if replayed else step()).clone())
        return [*losses, weight.detach()]

    for one, other in zip(trained(True), trained(False), strict=True):
        assert torch.equal(one, other)


def test_what_never_changes_is_not_computed_again():
    x = torch.ones(3)
    _, tape = record(lambda: x * torch.arange(3.0).sin().exp())
    assert tape is not None
    assert len(tape) == 1
    x.mul_(2.0)
    assert torch.equal(tape.replay(), 2.0 * torch.arange(3.0).sin().exp())


def test_what_nothing_is_left_of_is_not_computed_again():
    x, kept = torch.ones(3), torch.zeros(3)

    def step():
        kept.copy_(x + 1.0)
        x.cos().sum().exp()
        return x.sin()

    _, tape = record(step)
    assert tape is not None
    assert len(tape) == 3
    x.mul_(2.0)
    assert torch.equal(tape.replay(), torch.full((3,), 2.0).sin())
    assert torch.equal(kept, torch.full((3,), 3.0))


def test_filled_tensors_are_filled_again_only_where_they_change():
    x = torch.ones(3)

    def step():
        weights, counts = torch.full_like(x, 0.5), x.new_full((3,), 2.0)
        counts.add_(x)
        return weights * counts

    _, tape = record(step)
    assert tape is not None
    assert len(tape) == 3
    x.mul_(2.0)
    for _ in range(2):
        assert torch.equal(tape.replay(), torch.full((3,), 2.0))


def test_random_numbers_are_drawn_anew_and_in_the_same_order():
    def draws(replayed: bool) -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(3)
        step = lambda: torch.rand(4, generator=generator) + 1.0  # noqa: E731
        first, tape = record(step)
        assert tape is not None
        return [first.clone(), *((tape.replay() if replayed else step()).clone() for _ in range(3))]

    for one, other in zip(draws(True), draws(False), strict=True):
        assert torch.equal(one, other)


def test_a_step_that_looks_at_its_numbers_is_not_replayed():
    x = torch.ones(3)
    result, tape = record(lambda: x * 2.0 if x.sum() > 1.0 else x)
    assert tape is None
    assert torch.equal(result, torch.full((3,), 2.0))


def test_a_large_step_is_not_kept(monkeypatch):
    monkeypatch.setattr("dgm_core.tape.recording.LARGEST", 100)
    x = torch.ones(100)
    assert record(lambda: x + 1.0)[1] is None


def replayed_at(points, step, calls=5):
    """What a repeated step gives at each point, and what the step itself gives; whether it was replayed."""
    x = torch.zeros(3)
    repeated, found = Repeated(lambda: step(x)), []
    for value in points(calls):
        x.fill_(value)
        found.append((repeated().clone(), step(x)))
    return repeated, found


FROZEN = {
    "numpy": (lambda x: 2.0 * torch.from_numpy(np.cos(x.detach().numpy())), "NumPy"),
    "array": (lambda x: x + torch.tensor(np.interp(np.asarray(x), [0.0, 9.0], [1.0, 5.0])), "NumPy"),
    "list": (lambda x: x * torch.tensor([math.exp(v) for v in x.tolist()]), "Python"),
    "number": (lambda x: x * float(x[0]), "a number"),
}


def test_the_command_itself_is_no_line_of_the_user_s():
    command = str(Path(sysconfig.get_path("scripts")) / "dgm")
    scope = {"look": place_of_the_user}
    exec(compile("found = look()", command, "exec"), scope)
    assert command not in scope["found"]


@pytest.mark.parametrize("kind", FROZEN)
def test_what_leaves_torch_is_never_taken_for_a_constant(kind):
    step, said = FROZEN[kind]
    repeated, found = replayed_at(range, step)
    assert repeated.operations is None
    assert said in repeated.unrecorded
    assert f"in {__file__}, line" in repeated.unrecorded
    for ours, right in found:
        assert torch.equal(ours, right)


@pytest.mark.parametrize(
    ("draw", "whose", "place"),
    [
        (lambda: torch.tensor(np.random.rand(3)), "NumPy", f" in {__file__}, line"),  # noqa: NPY002
        (lambda: random.random(), "Python", ""),
        (lambda: torch.tensor(np.asarray(torch.zeros(3)) + np.random.rand(3)), "NumPy", " in "),  # noqa: NPY002
    ],
)
def test_random_numbers_of_others_are_named_as_the_reason(draw, whose, place):
    repeated, _ = replayed_at(range, lambda x: x + draw())
    assert repeated.operations is None
    assert f"random numbers of {whose}{place}" in repeated.unrecorded


def test_random_numbers_of_torch_are_recorded():
    repeated, _ = replayed_at(range, lambda x: x + torch.randn_like(x))
    assert repeated.operations is not None


def test_what_is_kept_from_step_to_step_is_noticed_whenever_it_changes():
    x, late = torch.ones(2), {"factor": 1.0}
    repeated = Repeated(lambda: x * late["factor"])
    for _ in range(10):
        repeated()
    assert repeated.operations is not None
    late["factor"] = 2.0
    for _ in range(6):
        repeated()  # the 16th call compares again
    assert repeated.operations is None
    assert "step 16" in repeated.unrecorded
    assert torch.equal(repeated(), 2.0 * x)


def test_a_comparison_leaves_no_trace_in_what_a_step_changes():
    def trained(repeat: bool) -> list[torch.Tensor]:
        weight, generator, sums = torch.ones(3), torch.Generator().manual_seed(1), []

        def step():
            weight.mul_(0.9).add_(torch.rand(3, generator=generator))
            return weight.sum()

        call = Repeated(step) if repeat else step
        sums.extend(call().clone() for _ in range(9))
        return [*sums, weight]

    for one, other in zip(trained(True), trained(False), strict=True):
        assert torch.equal(one, other)


def test_constants_that_are_made_in_each_step_are_replayed():
    repeated, found = replayed_at(range, lambda x: x * torch.tensor([1.0, 2.0, 3.0]))
    assert repeated.operations is not None
    assert repeated.unrecorded is None
    for ours, right in found:
        assert torch.equal(ours, right)
