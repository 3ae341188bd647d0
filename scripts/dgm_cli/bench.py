"""Benchmarks: each the ratio of two ways to do the same work, timed in turn on one thread."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from dgm_core import Setup, Trainer, load_problem
from dgm_core.calculus import Field, derivatives, rademacher
from dgm_core.errors import unknown
from dgm_core.networks import build_network
from dgm_core.problems.fredholm import Fredholm
from dgm_core.streams import stream
from dgm_core.training import TrainConfig, configure_process

ROUNDS = 7
REPLICATES = 5
_DIMENSIONS, _PROBES = 100, 8

Work = Callable[[], None]


def batched_replicates() -> tuple[str, Work, str, Work]:
    """K seeds as one batched axis, against one training after another."""
    setup = Setup.named(load_problem("heat"), "paper")
    together = Trainer(setup, range(REPLICATES))
    alone = [Trainer(setup, [seed]) for seed in range(REPLICATES)]
    return (
        f"heat, {REPLICATES} seeds one after another",
        lambda: _advance(alone, 40),
        f"{REPLICATES} seeds as one axis",
        lambda: _advance([together], 40),
    )


def batched_quadrature() -> tuple[str, Work, str, Work]:
    """The Fredholm integral in one forward pass, against a loop over its nodes.

    The loop is the paper's way: seed after seed, and for every iteration one forward pass for each
    of the 50 nodes.
    """
    setup = Setup.named(load_problem("fredholm"), "paper")
    together = Trainer(setup, range(REPLICATES))
    looped = Setup(_LoopedFredholm(), setup.config)
    alone = [Trainer(looped, [seed]) for seed in range(REPLICATES)]
    return (
        f"fredholm, {REPLICATES} seeds, a loop over 50 forward passes",
        lambda: _advance(alone, 4),
        "one forward pass for all",
        lambda: _advance([together], 4),
    )


def random_laplacian() -> tuple[str, Work, str, Work]:
    """A Laplacian with its gradient for the weights, exact and estimated along random directions.

    Three seeds, 64 points, 3 layers of 64 units.
    """
    network = build_network(TrainConfig(depth=3, width=64), _DIMENSIONS, 1, range(3))
    generator = stream(0, "bench")
    x = torch.rand(3, 64, _DIMENSIONS, generator=generator)
    probes = rademacher(torch.rand(3, 64, _PROBES, _DIMENSIONS, generator=generator))
    axes = [f"x{i}" for i in range(_DIMENSIONS)]
    return (
        f"a Laplacian in {_DIMENSIONS} dimensions",
        lambda: derivatives(network, x, axes).laplacian().square().sum().backward(),
        f"its estimate along {_PROBES} directions",
        lambda: derivatives(network, x, axes).laplacian(probes=probes).square().sum().backward(),
    )


class _LoopedFredholm(Fredholm):
    """The same equation with one forward pass for each node."""

    def _integral(self, u: Field, x: Tensor, nodes: Tensor, weights: Tensor) -> Tensor:
        axis = self.inputs[0]
        length = x.new_tensor(axis.upper - axis.lower)
        total = torch.zeros_like(x)
        for j in range(nodes.shape[-1]):
            t = axis.lower + length * nodes[..., j : j + 1]
            total = total + weights[j] * self.kernel(x, t) * u(t)
        return length * total


def _advance(trainers: Iterable[Trainer], iterations: int) -> None:
    for trainer in trainers:
        trainer.advance(trainer.iteration + iterations)


BENCHMARKS = {
    "replicates": batched_replicates,
    "quadrature": batched_quadrature,
    "probes": random_laplacian,
}


def measure(slow: Work, fast: Work) -> tuple[float, float, list[float]]:
    """Median seconds of both, and the ratio slow/fast of each round; the first round is a warm-up."""
    times: list[tuple[float, float]] = []
    for _ in range(ROUNDS + 1):
        pair = []
        for work in (slow, fast):
            begin = time.perf_counter()
            work()
            pair.append(time.perf_counter() - begin)
        times.append((pair[0], pair[1]))
    counted = times[1:]
    ratios = sorted(a / b for a, b in counted)
    return statistics.median(a for a, _ in counted), statistics.median(b for _, b in counted), ratios


def main() -> None:
    """Runs the named benchmarks, by default all."""
    configure_process()
    for name in sys.argv[1:] or BENCHMARKS:
        if name not in BENCHMARKS:
            sys.exit(f"scripts/bench: {unknown('benchmark', name, BENCHMARKS)}")
        slow_name, slow, fast_name, fast = BENCHMARKS[name]()
        a, b, ratios = measure(slow, fast)
        print(f"{name}: {slow_name}: {a * 1e3:.1f} ms; {fast_name}: {b * 1e3:.1f} ms")
        median = statistics.median(ratios)
        print(f"{name}: ratio {median:.1f} (from {ratios[0]:.1f} to {ratios[-1]:.1f}, {ROUNDS} rounds)")


if __name__ == "__main__":
    main()
