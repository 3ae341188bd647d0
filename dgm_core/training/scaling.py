"""Maps from a problem's inputs to a network's, and from its values to the problem's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from dgm_core.formulation import Axis, Domain
from dgm_core.formulation.scales import Scales
from dgm_core.networks import EMBEDDINGS
from dgm_core.training.corners import corner_inputs

INPUT_SCALINGS = ("none", "unit")
"""The inputs as they are, or each axis of the domain (of the time window) mapped to [−1, 1]."""

OUTPUT_SCALINGS = ("none", "unit")
"""The network's values as they are, or in units of half of each output's range around its middle."""
TERM_SCALINGS = ("none", "unit")
"""Residuals as they are, or each component in units of its size for a wrong field (see `Scales`)."""


class Inputs(Protocol):
    """What the number of a network's inputs depends on, of a problem."""

    @property
    def inputs(self) -> tuple[Axis, ...]: ...
    @property
    def periodic(self) -> tuple[str, ...]: ...
    @property
    def domain(self) -> Domain: ...


def network_inputs(problem: Inputs, config: Any) -> int:
    """How many inputs a network has: under hard conditions two for each harmonic of a periodic axis, those of
    `corner_functions`, and then what the embedding makes of them."""
    periodic = len(problem.periodic) if config.hard_conditions else 0
    inputs = len(problem.inputs) + (2 * config.harmonics - 1) * periodic
    inputs += corner_inputs(problem.domain.corners, config.corner_functions)
    if config.embedding == "none":
        return inputs
    return EMBEDDINGS.get(config.embedding).outputs(inputs, config)


class UnitScaling(nn.Module):
    """Each axis [lower, upper] to [−1, 1]: (..., d) -> (..., d).

    Activations bend within a few units of zero, so an axis such as t in [0, 30] otherwise starts
    out with nearly all its points where they are flat (LeCun et al. 1998, section 4.3).
    """

    centre: Tensor
    half_width: Tensor

    def __init__(self, axes: Sequence[Axis]) -> None:
        super().__init__()
        centre = torch.tensor([(axis.lower + axis.upper) / 2 for axis in axes])
        half_width = torch.tensor([(axis.upper - axis.lower) / 2 for axis in axes])
        self.register_buffer("centre", centre, persistent=False)
        self.register_buffer("half_width", half_width, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.centre) / self.half_width


class OutputScaling(nn.Module):
    """Values near one to a problem's own: centre + size · raw, (..., q), or size · raw (see `Scales`)."""

    centre: Tensor
    size: Tensor

    def __init__(self, scales: Scales, *, centred: bool) -> None:
        super().__init__()
        centre, size = (
            torch.tensor(values, dtype=torch.float64) for values in (scales.centres, scales.sizes)
        )
        self.register_buffer("centre", centre, persistent=False)
        self.register_buffer("size", size, persistent=False)
        self._centred = centred

    def forward(self, raw: Tensor) -> Tensor:
        scaled = raw * self.size.to(raw)
        return scaled + self.centre.to(raw) if self._centred else scaled


class Embedding(nn.Module):
    """Periodic axes as (cos, sin) of their phase and its first multiples, the others as they are or scaled:
    (..., d) -> (..., d + (2 harmonics − 1) p).

    Whatever the network, its values and all derivatives then repeat themselves (Dong and Ni 2021).
    """

    phase: Tensor
    start: Tensor

    def __init__(
        self, axes: Sequence[Axis], periodic: Sequence[str], *, unit: bool, harmonics: int = 1
    ) -> None:
        super().__init__()
        repeated = [axis for axis in axes if axis.name in periodic]
        rest = [axis for axis in axes if axis.name not in periodic]
        self._repeated = [i for i, axis in enumerate(axes) if axis.name in periodic]
        self._rest = [i for i, axis in enumerate(axes) if axis.name not in periodic]
        phase = torch.tensor(
            [2.0 * math.pi / (axis.upper - axis.lower) for axis in repeated], dtype=torch.float64
        )
        start = torch.tensor([axis.lower for axis in repeated], dtype=torch.float64)
        self.register_buffer("phase", phase, persistent=False)
        self.register_buffer("start", start, persistent=False)
        self.scaling = UnitScaling(rest) if unit and rest else None
        self.harmonics = harmonics

    def forward(self, x: Tensor) -> Tensor:
        angle = (x[..., self._repeated] - self.start.to(x)) * self.phase.to(x)
        if self.harmonics > 1:
            angle = torch.cat([angle, *(angle * k for k in range(2, self.harmonics + 1))], dim=-1)
        rest = x[..., self._rest]
        rest = rest if self.scaling is None else self.scaling(rest)
        return torch.cat([torch.cos(angle), torch.sin(angle), rest], dim=-1)
