"""What a training costs, as a function of its setup alone: the same on every machine.

The clock of a search counts in it, and so do objectives and budgets of single trainings.
"""

from __future__ import annotations

from collections.abc import Sequence

from dgm_core import Problem, Setup
from dgm_core.networks import count_parameters
from dgm_core.training.optimizers import OPTIMIZERS, Optimizer
from dgm_core.training.solution import Solution

_LAYER_MS = 0.126
_PRODUCT_MS = 1.44e-7
_START_MS = 180.0
_MATRIX_MS = 3e-8


def iteration_cost(setup: Setup, replicates: int) -> float:
    """Nominal milliseconds of one iteration of all replicates, the same on every machine.

    A share for each layer and one for the products of points and parameters, as often as the optimizer takes
    gradients, and what it does besides; fitted roughly to one core of a server of 2024.  Where it is wrong
    workers wait for each other and a budget is not the seconds that it says; the search is the same
    nevertheless.
    """
    return _steps_cost(setup, replicates, setup.config.batch_size, setup.config.optimizer)


def training_times(setup: Setup, replicates: int, stops: Sequence[int]) -> tuple[float, ...]:
    """Nominal milliseconds after which a training has passed each of its `stops`, its start included.

    A polish counts with all iterations that it may take, at the end of each time window.
    """
    config = setup.config
    step = iteration_cost(setup, replicates)
    polish = _polish_cost(setup, replicates)
    return tuple(
        _START_MS + step * stop + polish * (config.windows * stop // config.iterations) for stop in stops
    )


def polish_cost(setup: Setup, replicates: int) -> float:
    """Nominal cost of a time window's polish, with all the iterations it may take, in optimizer steps."""
    return _polish_cost(setup, replicates) / iteration_cost(setup, replicates)


def _polish_cost(setup: Setup, replicates: int) -> float:
    """Nominal milliseconds of a time window's polish, with all the iterations it may take."""
    config = setup.config
    if not config.polish_iterations:
        return 0.0
    return _steps_cost(setup, replicates, config.polish_points, config.polish, config.polish_iterations)


def _steps_cost(setup: Setup, replicates: int, batch_size: int, optimizer: str, steps: int = 1) -> float:
    """Nominal milliseconds of some steps of an optimizer: of its gradients, and of what it does besides."""
    config, kind = setup.config, OPTIMIZERS.get(optimizer)
    parameters = count_parameters(Solution(setup, [0])) / config.windows
    points = sum(setup.problem.regions()[term].count(batch_size) for term in _counted(setup, kind))
    gradient = _LAYER_MS * (config.depth + 1) + _PRODUCT_MS * points * replicates * parameters
    besides = _MATRIX_MS * replicates * kind.products(points, round(parameters))
    return kind.gradients * steps * gradient + steps * besides


def _counted(setup: Setup, kind: type[Optimizer]) -> Sequence[str]:
    """The terms whose points cost something.

    Those of hard conditions do not, and are left out for methods that multiply matrices.  For all others they
    count: without them a seed would give another search than it gave before.
    """
    problem = setup.problem
    every = tuple(problem.regions())
    spares = setup.config.hard_conditions and type(problem).residuals is Problem.residuals
    if not spares or kind.products(2, 2) == 0.0:
        return every
    return [term for term in every if term not in problem.hard_terms]


def training_seconds(setup: Setup, replicates: int) -> float:
    """Seconds that a whole training of all replicates takes on one core, by the model: never measured.

    `scripts/calibrate` says how far they are from measured ones.
    """
    (end,) = training_times(setup, replicates, (setup.config.iterations,))
    return end / 1e3
