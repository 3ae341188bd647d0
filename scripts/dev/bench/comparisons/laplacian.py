"""A Laplacian in 100 dimensions with its gradient for the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from dev.bench.comparison import Case, Comparison, Peer, Work
from dgm_core.calculus import Field, carried, derivatives, rademacher
from dgm_core.networks import build_network
from dgm_core.random_streams import stream
from dgm_core.tape import Repeated
from dgm_core.training import TrainConfig

DIMENSIONS, PROBES = 100, 8
REPLICATES, POINTS, DEPTH, WIDTH = 3, 64, 3, 64
_AXES = [f"x{i}" for i in range(DIMENSIONS)]


def laplacians(*, carry: bool = False, estimated: bool = False, replayed: bool = False) -> Callable[[], Work]:
    """Σ (Δu)² over the points and its gradient: exact, by nested passes or carried forward, or estimated;
    replayed as a training's steps are, or not."""

    def make() -> Work:
        network = build_network(TrainConfig(depth=DEPTH, width=WIDTH), DIMENSIONS, 1, range(REPLICATES))
        generator = stream(0, "bench")
        x = torch.rand(REPLICATES, POINTS, DIMENSIONS, generator=generator)
        drawn = torch.rand(REPLICATES, POINTS, PROBES, DIMENSIONS, generator=generator)
        probes = rademacher(drawn) if estimated else None

        def laplacian(u: Field, points: Mapping[str, Tensor]) -> Tensor:
            return derivatives(u, points["interior"], _AXES).laplacian(probes=probes)

        field: Field = network
        if carry:
            carrying = carried(network, lambda u, points: {"interior": laplacian(u, points)}, {"interior": x})
            assert carrying is not None, "this network carries derivatives forward"
            field = carrying

        weights = list(network.parameters())

        def differentiated() -> tuple[Tensor, ...]:
            loss = laplacian(field, {"interior": x}).square().sum()
            return torch.autograd.grad(loss, weights, allow_unused=True)

        step = Repeated(differentiated) if replayed else differentiated

        def work(times: int) -> None:
            for _ in range(times):
                step()

        return work

    return make


def cases() -> Iterator[Case]:
    """A network of three layers of 64 units."""
    yield Case(
        f"{DIMENSIONS} dimensions, {POINTS} points, K = {REPLICATES}",
        (
            Peer("nested autograd", laplacians(), REPLICATES),
            Peer("carried forward", laplacians(carry=True), REPLICATES),
            Peer("carried forward, replayed", laplacians(carry=True, replayed=True), REPLICATES),
            Peer(f"estimated along {PROBES} directions, nested", laplacians(estimated=True), REPLICATES),
        ),
    )


LAPLACIAN = Comparison(
    "laplacian",
    f"a Laplacian in {DIMENSIONS} dimensions and its gradient for the weights",
    "ms for each replicate",
    cases,
)
