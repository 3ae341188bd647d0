"""A polish by SciPy's L-BFGS-B, one replicate after another, and the project's own, of all together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.optimize import minimize

from dev.bench.comparison import Work
from dgm_core import Setup, Trainer
from dgm_core.training.loss import Loss
from dgm_core.training.optimizers.lbfgs import MEMORY
from dgm_core.training.parameters import FlatParameters
from dgm_core.training.polish import Polish
from dgm_core.training.sampling import PointSource
from dgm_core.training.solution import Piece, Solution

TRAINED = 200
"""Optimizer steps before a polish, at most."""


def scipy_polish(setup: Setup, seeds: Sequence[int], *, carry: bool) -> Callable[[], Work]:
    """A unit polishes each replicate in turn, from the same weights every time."""

    def make() -> Work:
        solution = _trained(setup, seeds)

        def work(times: int) -> None:
            for _ in range(times):
                for k, seed in enumerate(seeds):
                    _minimise(solution.replicate(0, k), setup, seed, carry)

        return work

    return make


def batched_polish(setup: Setup, seeds: Sequence[int], *, carry: bool) -> Callable[[], Work]:
    """A unit polishes all replicates together, from the same weights every time."""

    def make() -> Work:
        solution = _trained(setup, seeds)
        weights = solution.weights()

        def work(times: int) -> None:
            for _ in range(times):
                solution.float().load(weights)
                polish = Polish(solution, 0, carry=carry)
                while not polish.done:
                    polish.step()

        return work

    return make


def _trained(setup: Setup, seeds: Sequence[int]) -> Solution:
    trainer = Trainer(setup, seeds)
    trainer.advance(min(TRAINED, setup.config.iterations // setup.config.windows - 1))
    return trainer.network


def _minimise(piece: Piece, setup: Setup, seed: int, carry: bool) -> None:
    """One replicate alone (K = 1, float64), on the points that its polish among others has too."""
    config = setup.config
    piece.eval()
    flat = FlatParameters(piece.network)
    loss = Loss(piece.problem, config, fixed_points=True, carry=carry)
    source = PointSource(
        piece.problem.regions(),
        config.polish_points,
        [seed],
        sampler="sobol",
        path=("polish",),
        dtype=torch.float64,
    )
    points = {term: value.clone() for term, value in source.next().items()}

    def objective(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        with torch.no_grad():
            flat.values.copy_(torch.from_numpy(parameters).view(1, -1))
        total, _ = loss(piece, points)
        flat.backward(total.sum())
        return float(total.detach()), flat.gradients.numpy().ravel()

    options = {
        "maxiter": config.polish_iterations,
        "maxfun": 2 * config.polish_iterations + 20,
        "maxcor": MEMORY,
        "ftol": 0.0,
        "gtol": 0.0,
    }
    start = flat.values.detach().numpy().ravel().copy()
    minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
