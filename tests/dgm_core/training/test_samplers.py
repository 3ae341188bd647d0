"""Points: how they fill the unit cube, and where each iteration's lie."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core.formulation import BoxRegion
from dgm_core.problems import load_problem
from dgm_core.training.samplers import SAMPLERS
from dgm_core.training.sampling import PointSource


def draw(name: str, batches=3, n=16, m=2, seed=0) -> torch.Tensor:
    return SAMPLERS[name](batches, n, m, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", SAMPLERS)
class TestEverySampler:
    @pytest.mark.parametrize("n", [1, 5, 16])
    def test_shape_and_range(self, name, n):
        points = draw(name, n=n)
        assert points.shape == (3, n, 2)
        assert points.dtype == torch.float64
        assert ((points >= 0) & (points < 1)).all()

    def test_batches_differ_and_the_seed_decides(self, name):
        points = draw(name)
        assert not torch.equal(points[0], points[1])
        assert torch.equal(points, draw(name))
        assert not torch.equal(points, draw(name, seed=1))

    def test_uniform_on_average(self, name):
        points = draw(name, batches=500, n=8)
        counts = torch.histc(points, bins=10, min=0, max=1) / points.numel()
        assert (counts - 0.1).abs().max() < 0.015


def test_stratified_has_one_point_in_each_stratum_of_each_axis():
    strata = (draw("stratified", n=16) * 16).long().sort(dim=1).values
    assert torch.equal(strata, torch.arange(16)[:, None].expand(3, 16, 2))


def test_sobol_shifts_one_net_at_random():
    points = draw("sobol", n=16)
    offsets = (points - points[:, :1]) % 1.0
    torch.testing.assert_close(offsets[0], offsets[1], rtol=0, atol=1e-12)
    torch.testing.assert_close(offsets[1], offsets[2], rtol=0, atol=1e-12)
    gaps = points[..., 0].sort(dim=1).values.diff(dim=1)
    torch.testing.assert_close(gaps, torch.full_like(gaps, 1 / 16), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", SAMPLERS)
def test_how_many_batches_are_drawn_at_once_is_no_part_of_a_sample(name):
    generator = torch.Generator().manual_seed(0)
    pieces = [SAMPLERS[name](batches, 6, 2, generator) for batches in (1, 4, 2)]
    assert torch.equal(torch.cat(pieces), draw(name, batches=7, n=6))


def source(seeds=(1, 2), sampler="uniform", batch_size=10, **options) -> PointSource:
    return PointSource(load_problem("heat").regions(), batch_size, seeds, sampler=sampler, **options)


@pytest.mark.parametrize("sampler", SAMPLERS)
class TestPointSource:
    def test_points_lie_on_their_faces(self, sampler):
        points = source(sampler=sampler).next()
        assert points["interior"].shape == (2, 10, 2)
        assert (points["initial"][..., 1] == 0).all()
        assert (points["left"][..., 0] == 0).all()
        torch.testing.assert_close(points["right"][..., 0], torch.full((2, 10), math.pi))
        for term, column, upper in [("interior", 0, math.pi), ("interior", 1, 3.0), ("left", 1, 3.0)]:
            values = points[term][..., column]
            assert ((values >= 0) & (values <= upper)).all()
            assert values.unique().numel() == 20

    def test_a_replicate_s_points_depend_on_its_seed_alone(self, sampler):
        pair, alone = source((1, 2), sampler), source((2,), sampler)
        for _ in range(70):  # beyond one block
            both, one = pair.next(), alone.next()
            assert all(torch.equal(both[term][1], one[term][0]) for term in both)
            assert not torch.equal(both["interior"][0], both["interior"][1])

    def test_dtype_is_no_part_of_the_sample(self, sampler):
        single, double = source(sampler=sampler).next(), source(sampler=sampler, dtype=torch.float64).next()
        assert torch.equal(single["interior"], double["interior"].float())

    def test_resumes_at_any_iteration(self, sampler):
        original = source(sampler=sampler)
        for _ in range(65):
            original.next()
        resumed = source(sampler=sampler)
        resumed.restore(original.state())
        for _ in range(70):
            expected, points = original.next(), resumed.next()
            assert all(torch.equal(expected[term], points[term]) for term in points)


def test_a_fresh_source_restores_from_a_fresh_state():
    original, resumed = source(), source()
    resumed.restore(original.state())
    assert torch.equal(original.next()["left"], resumed.next()["left"])


def test_terms_and_paths_have_streams_of_their_own():
    points = source().next()
    assert not torch.equal(points["left"][..., 1], points["right"][..., 1])
    assert not torch.equal(points["left"], source(path=("window", 1)).next()["left"])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_independent_points_are_uniform_whatever_the_sampler(sampler):
    regions = {"nodes": BoxRegion((0.0,), (1.0,), per_point=3, independent=True)}
    given = PointSource(regions, 5, [1], sampler=sampler).next()
    assert torch.equal(given["nodes"], PointSource(regions, 5, [1]).next()["nodes"])


@pytest.mark.parametrize("batch_size", [3, 7])
def test_every_term_draws_the_batch_size(batch_size):
    points = source(batch_size=batch_size).next()
    assert {x.shape[1] for x in points.values()} == {batch_size}


def test_an_instant_is_one_point_and_nodes_multiply_the_batch():
    regions = {"initial": BoxRegion((0.0,), (0.0,)), "nodes": BoxRegion((0.0,), (2.0,), per_point=3)}
    points = PointSource(regions, 5, [1]).next()
    assert points["initial"].shape == (1, 1, 1)
    assert points["nodes"].shape == (1, 15, 1)
