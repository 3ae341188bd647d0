"""What every registered problem must satisfy; a new file is picked up by itself."""

from __future__ import annotations

import math
import shlex

import pytest
import torch
from torch import Tensor

from dgm_core.calculus import Field, derivatives
from dgm_core.errors import ConfigurationError
from dgm_core.formulation import Points, Problem
from dgm_core.formulation.verification import residual_sizes, wrong_fields
from dgm_core.problems import PROBLEMS, load_problem
from dgm_core.training import Setup
from dgm_core.training.sampling import PointSource
from dgm_core.training.scaling import Embedding

torch.set_num_threads(1)

SEEDS = (3, 5, 8)
BATCH = 16

every_problem = pytest.mark.parametrize("name", PROBLEMS.names())


def draw(problem: Problem, seeds: tuple[int, ...] = SEEDS) -> dict[str, Tensor]:
    """One iteration's points, float64."""
    return PointSource(problem.regions(), BATCH, seeds, dtype=torch.float64).next()


def random_field(problem: Problem, seed: int = 0, inputs: int | None = None) -> Field:
    """A smooth field (K, n, d) -> (K, n, q) of K = 3 different random replicates."""
    generator = torch.Generator().manual_seed(seed)
    inputs, outputs = inputs or len(problem.inputs), len(problem.outputs)
    first = torch.randn(len(SEEDS), inputs, 12, dtype=torch.float64, generator=generator)
    last = torch.randn(len(SEEDS), 12, outputs, dtype=torch.float64, generator=generator)
    return lambda x: torch.tanh(x @ first.to(x) + 0.3) @ last.to(x)


def embedded(problem: Problem, seed: int) -> Field:
    """A random field that sees hard periodic axes as training shows them."""
    embedding = Embedding(problem.inputs, problem.periodic, unit=False)
    network = random_field(problem, seed, inputs=len(problem.inputs) + len(problem.periodic))
    return lambda x: network(embedding(x))


def parts_of(problem: Problem, u: Field, points: Points) -> dict[str, tuple[Tensor, ...]]:
    residuals = problem.residuals(u, points)
    return {term: r if isinstance(r, tuple) else (r,) for term, r in residuals.items()}


@every_problem
def test_residuals_vanish_on_the_reference(name: str) -> None:
    problem = load_problem(name).accurate()
    for term, size in residual_sizes(problem, problem.reference, draw(problem)).items():
        assert size <= problem.reference_tolerance, term


@every_problem
def test_residuals_do_not_vanish_on_a_perturbed_reference(name: str) -> None:
    problem = load_problem(name).accurate()
    for term, size in residual_sizes(problem, wrong_fields(problem)[0], draw(problem)).items():
        assert size > 1e-2, term


@every_problem
def test_residuals_have_a_name_and_a_shape(name: str) -> None:
    problem = load_problem(name)
    points = draw(problem)
    parts = parts_of(problem, random_field(problem), points)
    assert tuple(parts) == problem.terms
    for term, tensors in parts.items():
        for residual in tensors:
            assert residual.shape[:2] == points[term].shape[:2]
            assert residual.dim() == 3
            assert torch.isfinite(residual).all()


@every_problem
def test_residuals_do_not_mix_replicates(name: str) -> None:
    problem = load_problem(name)
    field, points = random_field(problem), draw(problem)
    together = parts_of(problem, field, points)
    alone = parts_of(
        problem, lambda x: field(x.expand(3, -1, -1))[1:2], {term: x[1:2] for term, x in points.items()}
    )
    for term in problem.terms:
        for a, b in zip(together[term], alone[term], strict=True):
            torch.testing.assert_close(a[1:2], b, rtol=1e-10, atol=1e-10)


@every_problem
def test_residuals_keep_the_dtype_of_training(name: str) -> None:
    problem = load_problem(name)
    points = PointSource(problem.regions(), BATCH, SEEDS).next()
    for tensors in parts_of(problem, random_field(problem), points).values():
        assert all(residual.dtype == torch.float32 for residual in tensors)


@every_problem
def test_points_lie_in_the_domain_and_conditions_on_their_own_part(name: str) -> None:
    problem = load_problem(name)
    points, domain = draw(problem), problem.domain
    for term in problem.terms:
        assert domain.contains(points[term]).all(), term
    for term, (region, _) in problem.conditions.items():
        for i, (lower, upper) in enumerate(region.bounds):
            x = points[term][..., i]
            spread = (x.amax() - x.amin()).item()
            assert (x == lower).all() if lower == upper else spread > 0.3 * (upper - lower), term


@every_problem
def test_no_two_conditions_hold_at_the_same_place(name: str) -> None:
    """The paper's scripts imposed the left boundary twice and the right one never."""
    problem = load_problem(name)
    places = [
        (region.bounds, type(condition), getattr(condition, "output", None))
        for region, condition in problem.conditions.values()
    ]
    assert len(set(places)) == len(places)


@every_problem
def test_the_interior_is_sampled_all_over(name: str) -> None:
    problem = load_problem(name)
    region = problem.regions()[problem.terms[0]]
    for (lower, upper), axis in zip(region.bounds, problem.inputs, strict=True):
        assert lower == pytest.approx(axis.lower)
        assert upper == pytest.approx(axis.upper)


@every_problem
def test_same_seed_same_points(name: str) -> None:
    problem = load_problem(name)
    first, again, other = draw(problem), draw(problem), draw(problem, (21, 5, 34))
    for term, region in problem.regions().items():
        assert first[term].shape == (3, region.count(BATCH), len(region.bounds))
        assert torch.equal(first[term], again[term])
        assert torch.equal(first[term][1], other[term][1])
        if region.coordinates:
            assert not torch.equal(first[term][0], other[term][0])


@every_problem
def test_autograd_derivatives_agree_with_finite_differences(name: str) -> None:
    """Of the reference, first and second order, central differences."""
    problem = load_problem(name)
    axes = [axis.name for axis in problem.inputs]
    generator = torch.Generator().manual_seed(1)
    inside = 0.1 + 0.8 * torch.rand(1, 20, len(axes), dtype=torch.float64, generator=generator)
    lower = torch.tensor([axis.lower for axis in problem.inputs], dtype=torch.float64)
    upper = torch.tensor([axis.upper for axis in problem.inputs], dtype=torch.float64)
    x = lower + (upper - lower) * inside
    y = derivatives(problem.reference, x, axes)
    u, h = problem.reference, 1e-4
    for i, axis in enumerate(axes):
        step = torch.zeros(len(axes), dtype=torch.float64)
        step[i] = h
        first = (u(x + 0.1 * step) - u(x - 0.1 * step)) / (0.2 * h)
        second = (u(x + step) - 2.0 * u(x) + u(x - step)) / h**2
        for q in range(len(problem.outputs)):
            torch.testing.assert_close(y.d(axis, output=q), first[..., q : q + 1], rtol=1e-5, atol=1e-6)
            # Where it is large, so is what the differences leave out (Burgers' shock).
            expected, largest = second[..., q : q + 1], max(1.0, second.abs().max().item())
            torch.testing.assert_close(y.d(axis, axis, output=q), expected, rtol=1e-4, atol=1e-5 * largest)


@every_problem
def test_reference_is_finite_on_the_evaluation_points(name: str) -> None:
    problem = load_problem(name)
    points = problem.evaluation_points()
    values = problem.reference(points)
    assert points.shape[1] == len(problem.inputs)
    assert len(points) >= problem.resolution
    assert problem.domain.contains(points).all()
    assert values.shape == (len(points), len(problem.outputs))
    assert values.dtype == torch.float64
    assert torch.isfinite(values).all()


@every_problem
def test_settings_are_valid(name: str) -> None:
    problem = load_problem(name)
    assert problem.default_settings in problem.settings
    assert ("paper" in problem.settings) == (problem.default_settings == "paper")
    for settings in problem.settings:
        Setup.named(problem, settings)


@every_problem
def test_tuned_settings_name_their_study_and_take_no_more_iterations_than_the_paper(name: str) -> None:
    problem = load_problem(name)
    assert ("tuned" in problem.settings) == (problem.tuned_by is not None)
    if problem.tuned_by is not None:
        assert shlex.split(problem.tuned_by)[:2] == ["dgm", "run"]
        tuned, paper = (Setup.named(problem, settings).config for settings in ("tuned", "paper"))
        assert tuned.iterations <= paper.iterations


@every_problem
def test_description_is_complete(name: str) -> None:
    problem = load_problem(name)
    assert problem.name == name
    assert problem.source
    assert "Source:" in (type(problem).__doc__ or "")
    assert load_problem(name, problem.parameters()) == problem


@every_problem
def test_hard_conditions_hold_for_any_network(name: str) -> None:
    problem = load_problem(name)
    network = embedded(problem, seed=7)
    x = draw(problem)[problem.terms[0]]
    if not problem.hard_terms:
        with pytest.raises(ConfigurationError, match=name):
            problem.constrain(x, network(x))
        return
    field: Field = lambda x: problem.constrain(x, network(x))  # noqa: E731
    sizes = residual_sizes(problem, field, draw(problem))
    assert set(problem.hard_terms) <= set(problem.terms)
    for term in problem.terms:
        if term in problem.hard_terms:
            assert sizes[term] <= 1e-12, term
        else:
            assert sizes[term] > 1e-3, f"{term} holds as well and is not named"
    assert math.isfinite(sizes[problem.terms[0]])


@every_problem
def test_hard_conditions_can_represent_the_reference(name: str) -> None:
    """The network's part has a factor that vanishes nowhere inside the domain."""
    problem = load_problem(name)
    if not problem.hard_terms:
        pytest.skip("no hard conditions")
    x = draw(problem)[problem.terms[0]]
    raw = torch.zeros(*x.shape[:2], len(problem.outputs), dtype=torch.float64)
    factor = problem.constrain(x, raw + 1.0) - problem.constrain(x, raw)
    assert (factor > 0).all()
