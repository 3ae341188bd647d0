"""A quasi-Newton polish after the stochastic steps."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize

from dgm_core.training.config import TrainConfig
from dgm_core.training.loss import Loss
from dgm_core.training.parameters import FlatParameters
from dgm_core.training.regularisation import Penalty
from dgm_core.training.sampling import PointSource
from dgm_core.training.solution import Piece, Solution, window_path

_MEMORY = 50
"""Pairs of steps and gradients that L-BFGS keeps."""


@dataclass(frozen=True)
class Polished:
    """What the polish of one replicate of one window did: losses on its fixed points, and cost."""

    window: int
    replicate: int
    loss_before: float
    loss_after: float
    iterations: int
    evaluations: int
    seconds: float


def polish(solution: Solution, window: int, replicate: int) -> Polished:
    """Polishes one replicate of one window in place; the window's weights are float64 afterwards.

    They stay float64 because rounding them to float32 would undo the last digits gained.
    """
    begin = time.perf_counter()
    config, seed = solution.setup.config, solution.seeds[replicate]
    piece = solution.piece(window).double()
    alone = solution.replicate(window, replicate)
    found = minimise(alone, config, seed, window_path(window))
    with torch.no_grad():
        for own, polished in zip(piece.network.parameters(), alone.network.parameters(), strict=True):
            own[replicate] = polished[0]
    return Polished(window, replicate, seconds=time.perf_counter() - begin, **found)


def minimise(
    piece: Piece, config: TrainConfig, seed: int, path: tuple[str | int, ...] = ()
) -> dict[str, Any]:
    """Minimises the loss of one replicate (K = 1, float64) in place by L-BFGS on fixed points.

    The points are `polish_points` Sobol points for each term, of the stream (seed, "points", term,
    "polish", *path).  Batch normalisation uses its running statistics and dropout is off.  Weights
    that do not lower the loss to another finite value are left as they were.
    Source: Liu and Nocedal (1989); Byrd et al. (1995), as SciPy has it.
    """
    piece.eval()
    flat = FlatParameters(piece.network)
    loss = Loss(piece.problem, config, fixed_points=True)
    penalty = Penalty(piece.network, config.l1, config.l2)
    source = PointSource(
        piece.problem.regions(),
        config.polish_points,
        [seed],
        sampler="sobol",
        path=("polish", *path),
        dtype=torch.float64,
        device=flat.values.device,
    )
    points = {term: value.clone() for term, value in source.next().items()}
    start = flat.values.detach().cpu().numpy().ravel().copy()

    def objective(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        with torch.no_grad():
            flat.values.copy_(torch.from_numpy(parameters).view(1, -1))
        total, _ = loss(piece, points)
        flat.backward(total.sum())
        values = flat.values.detach()
        gradient = flat.gradients + penalty.gradient(values)
        return float(total.detach() + penalty.value(values)), gradient.cpu().numpy().ravel()

    before, _ = objective(start)
    if not math.isfinite(before):
        return {"loss_before": math.nan, "loss_after": math.nan, "iterations": 0, "evaluations": 1}
    options = {
        "maxiter": config.polish_iterations,
        "maxfun": 2 * config.polish_iterations + 20,
        "maxcor": _MEMORY,
        "ftol": 0.0,  # until the line search finds no descent, or the iterations end
        "gtol": 0.0,
    }
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    better = math.isfinite(found.fun) and found.fun < before
    after, _ = objective(found.x if better else start)
    return {
        "loss_before": before,
        "loss_after": after,
        "iterations": int(found.nit),
        "evaluations": int(found.nfev) + 2,
    }
