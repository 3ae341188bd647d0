"""Where the weights of the last layer start: at random, or where the linearised residuals are least."""

from __future__ import annotations

import torch
from torch import Tensor

from dgm_core.networks.layers import Linear
from dgm_core.training.objective import PieceObjective
from dgm_core.training.parameters import FlatParameters
from dgm_core.training.rows import Columns
from dgm_core.training.sampling import PointSource
from dgm_core.training.solution import Piece, Solution, device_of

_CUTOFF = 1e-4
"""Of the largest singular value, below which a direction is left out: with less, large weights cancel each
other, and a training's first steps undo the fit."""


def start_last_layer(solution: Solution) -> None:
    """With `last_layer` "least-squares", puts that of the first window's network where the loss, linearised
    at a network that says nothing, is least; each replicate by itself, and only where that lowers its loss.

    A network is linear in its last layer, so the residuals of a linear equation are too: they are made as
    small as its untrained features allow.  (With biases that start at zero, those of tanh and sin are odd
    about the middle of scaled inputs.)  A nonlinear equation is linearised once.  The points are Sobol points
    of streams of their own, as many as a step of the training takes.  Source: Wang et al. (2024),
    "PirateNets", section 4, which fits features to data or to a linearised equation.
    """
    config, seeds, piece = solution.setup.config, solution.seeds, solution.piece(0)
    layers = [name for name, module in piece.network.named_modules() if _is_last(module)]
    if not layers or config.last_layer != "least-squares":
        return
    copy = Piece(piece.problem, config, seeds).double().to(device_of(piece))
    copy.load_state_dict({name: value.double() for name, value in piece.state_dict().items()})
    copy.eval()
    points = PointSource(
        copy.problem.regions(),
        config.batch_size,
        seeds,
        sampler="sobol",
        path=("least squares",),
        dtype=torch.float64,
        device=device_of(copy),
    )
    columns = Columns(list(copy.network.parameters()))
    chosen = [
        columns.of(parameter)
        for name in layers
        for parameter in (_layer(copy, name).weight, _layer(copy, name).bias)
        if parameter is not None
    ]
    flat = FlatParameters(copy.network)
    objective = PieceObjective(copy, flat, config, points.next())
    drawn = flat.values.detach().clone()
    before = objective.value(drawn)
    silent = drawn.clone()
    for place in chosen:
        silent[:, place] = 0.0
    rows = objective.linearised(silent)
    jacobian = torch.cat(
        [torch.cat([chunk[..., place] for place in chosen], dim=2) for _, chunk in rows.chunks()], dim=1
    )
    steps, start = _least_squares(jacobian, rows.residuals), 0
    fitted = silent.clone()
    for place in chosen:
        size = place.stop - place.start
        fitted[:, place] = -steps[:, start : start + size]
        start += size
    better = objective.value(fitted) < before  # not where either is NaN
    objective.write(torch.where(better[:, None], fitted, drawn))
    with torch.no_grad():
        for name in layers:
            layer, solved = _layer(piece, name), _layer(copy, name)
            layer.weight.copy_(solved.weight)
            if layer.bias is not None and solved.bias is not None:
                layer.bias.copy_(solved.bias)


def _least_squares(matrix: Tensor, right: Tensor) -> Tensor:
    """The shortest x (K, p) of least ‖matrix x − right‖, matrix (K, N, p); zero where one is not finite."""
    finite = torch.isfinite(matrix).all(dim=2).all(dim=1) & torch.isfinite(right).all(dim=1)
    matrix = torch.where(finite[:, None, None], matrix, 0.0)
    right = torch.where(finite[:, None], right, 0.0)
    left, sizes, turned = torch.linalg.svd(matrix, full_matrices=False)
    kept = sizes > _CUTOFF * sizes[:, :1]
    shares = torch.where(kept, torch.bmm(left.mT, right[..., None])[..., 0] / sizes, 0.0)
    return torch.bmm(turned.mT, shares[..., None])[..., 0]


def _is_last(module: torch.nn.Module) -> bool:
    return isinstance(module, Linear) and module.last


def _layer(piece: Piece, name: str) -> Linear:
    layer = piece.network.get_submodule(name)
    assert isinstance(layer, Linear)
    return layer
