"""What a method of second order needs of memory, and what there is of it."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from dgm_core.errors import ConfigurationError, counted
from dgm_core.networks import build_network, count_parameters
from dgm_core.training.formulations import ENERGY
from dgm_core.training.optimizers import OPTIMIZERS, Minimiser
from dgm_core.training.optimizers.ssbroyden import SSBroyden
from dgm_core.training.rows import rows_bytes
from dgm_core.training.scaling import network_inputs
from dgm_core.training.setup import Setup, residual_count

_GIB = 2**30


@dataclass(frozen=True)
class Need:
    """Bytes that an optimizer holds at once, roughly, and why."""

    optimizer: str
    bytes: int
    parameters: int
    residuals: int


def needs(setup: Setup, replicates: int) -> list[Need]:
    """What the optimizer and the polish of a setup hold, where they hold more than a few vectors."""
    config, problem = setup.config, setup.problem
    pairs = [(config.optimizer, config.batch_size)]
    if config.polish_iterations:
        pairs.append((config.polish, config.polish_points))
    needs_by_part = []
    for name, points in pairs:
        kind = OPTIMIZERS.get(name)
        if not issubclass(kind, Minimiser) or not (kind.least_squares or issubclass(kind, SSBroyden)):
            continue
        network = build_network(config, network_inputs(problem, config), len(problem.outputs), [0])
        parameters, residuals = count_parameters(network), residual_count(problem, config, points)
        rows = max(residuals, parameters) if config.formulation == ENERGY else residuals
        size = rows_bytes(replicates, rows, parameters) if kind.least_squares else 0
        if issubclass(kind, SSBroyden):
            size = 3 * 8 * replicates * parameters**2
        needs_by_part.append(Need(name, size, parameters, residuals))
    return needs_by_part


def check_memory(setup: Setup, replicates: int, device: torch.device | str = "cpu") -> None:
    """Refuses an optimizer that needs more memory than there is.  Raises ConfigurationError."""
    room = available(device)
    for need in needs(setup, replicates):
        if need.bytes > room:
            raise ConfigurationError(
                f"{need.optimizer!r} with {counted(need.parameters, 'parameter')}, "
                f"{counted(need.residuals, 'residual')} and {counted(replicates, 'replicate')} is not "
                f"allowed: it needs about {need.bytes / _GIB:.1f} GiB, and "
                f"there are {room / _GIB:.1f} GiB; fewer points, replicates or a smaller width need less."
            )


def available(device: torch.device | str = "cpu") -> int:
    """Bytes of memory that a device has."""
    if torch.device(device).type == "cuda":
        return int(torch.cuda.mem_get_info(torch.device(device))[1])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
