"""Settings for a problem that names none, by its kind: "default" and "plain".

A value may be a function of the problem, where one setting does not suit all problems of a kind.  Those of
"default" were chosen on equations in their users' units (`scripts/equations`, docs/own_equations.md).
"""

from __future__ import annotations

from typing import Any

from dgm_core.calculus import TIME

PLAIN: dict[str, Any] = {
    "network": "mlp",
    "depth": 3,
    "width": 32,
    "activation": "tanh",
    "input_scaling": "unit",
    "batch_size": 64,
    "learning_rate": 1e-2,
    "schedule": "cosine",
    "iterations": 15_000,
}
"""The paper's network, batch and iterations for the heat equation, with a rate that falls from 1e-2 and
inputs mapped to [-1, 1], which its own settings lack."""

PLAIN_IN_TIME: dict[str, Any] = {**PLAIN, "depth": 2, "iterations": 5_000}
"""For an initial value problem in time alone: the paper's sizes for exponential decay."""

PLAIN_INTEGRAL: dict[str, Any] = {
    "network": "mlp",
    "depth": 2,
    "width": 32,
    "activation": "tanh",
    "batch_size": 32,
    "learning_rate": 1e-2,
    "schedule": "cosine",
    "iterations": 5_000,
}
"""For integral equations, whose inputs are few and near zero."""


def _has_form(problem: Any) -> bool:
    """Hard conditions wherever the problem has a form for them."""
    return bool(problem.hard_terms)


def _in_windows(windows: Any, whole: Any) -> Any:
    """One value where time is cut, and another where it is not: where more is prescribed than a start."""

    def value(problem: Any) -> Any:
        if problem.starts and not _kept_whole(problem):
            return windows
        return whole(problem) if callable(whole) else whole

    return value


def _of_waves(windows: Any, whole: Any) -> Any:
    """One value for an equation of second order in time on a box, and another for all others.

    A single network over all of space and time misses overtones.
    """

    def value(problem: Any) -> Any:
        from dgm_core.formulation.slabs import begun  # which are problems themselves

        return windows if 2 in begun(problem) and not _kept_whole(problem) else whole

    return value


def _kept_whole(problem: Any) -> bool:
    """Each window would have trained constants of its own, and know no more of a history."""
    return bool(type(problem).trained() or problem.integrates(TIME))


_SCALED: dict[str, Any] = {
    "input_scaling": "unit",
    "output_scaling": "unit",
    "hard_conditions": _has_form,
}
"""In any units."""

DIFFERENTIAL: dict[str, dict[str, Any]] = {
    "default": {
        **PLAIN,
        **_SCALED,
        "term_scaling": "unit",
        # A differential equation of second order that is given values and velocities at a start.
        "depth": _in_windows(2, PLAIN["depth"]),
        "windows": _in_windows(10, _of_waves(4, 1)),
        "iterations": _in_windows(1_000, 2_000),
        "polish_iterations": _in_windows(500, 1_000),
        "polish_points": _in_windows(200, 500),
    },
    "plain": PLAIN,
}

IN_TIME: dict[str, dict[str, Any]] = {
    # Without scales of terms: errors at the start of an epidemic are small against all that follows.
    "default": {
        **PLAIN_IN_TIME,
        **_SCALED,
        "windows": _in_windows(10, 1),
        "iterations": _in_windows(1_000, 2_000),
        "polish_iterations": _in_windows(500, 1_000),
        "polish_points": 200,
    },
    "plain": PLAIN_IN_TIME,
}

INTEGRAL: dict[str, dict[str, Any]] = {
    "default": {
        **PLAIN_INTEGRAL,
        **_SCALED,
        "term_scaling": "unit",
        "iterations": 2_000,
        "polish_iterations": 500,
        "polish_points": 100,
    },
    "plain": PLAIN_INTEGRAL,
}
