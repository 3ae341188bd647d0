"""A search over optimizers, those of second order among them: what those of the catalogue share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_core import Setup, load_problem
from dgm_core.networks.activations import get_activation
from dgm_core.training.optimizers import OPTIMIZERS, Stepwise
from studies.study.branches import branch
from studies.study.search import Search
from studies.study.space import Choice

EITHER: Mapping[str, tuple[int, int]] = {
    "gauss-newton": (60, 480),
    "spring": (60, 480),
    "ssbroyden": (500, 5_000),
    "lbfgs": (500, 5_000),
}
"""Methods with a range of iterations each, ends included: a step of Gauss–Newton costs as much as many of a
quasi-Newton method, and gains as much."""

ANY: Mapping[str, tuple[int, int]] = {**EITHER, "adam": (1_000, 10_000)}
"""Adam too: whether a second-order method is worth it, is then for the search to find."""


def quasi_newton(least: int, most: int) -> dict[str, tuple[int, int]]:
    """Quasi-Newton methods alone, all of the same range of iterations."""
    return dict.fromkeys(("ssbroyden", "lbfgs"), (least, most))


def second_order_search(
    problem: str,
    *,
    question: str,
    activations: tuple[str, ...],
    width: tuple[int, int],
    batch_size: tuple[int, int],
    gain: tuple[float, float],
    settings: str = "second-order",
    against: str | None = None,
    methods: Mapping[str, tuple[int, int]] = EITHER,
    harmonics: tuple[int, int] | None = None,
    windows: tuple[int, int] | None = None,
    budget: float = 300.0,
) -> Search:
    """A search over method, network and points, compared with settings of the problem's own.

    width, batch_size, gain, windows: the range of each, ends included; harmonics: that of a periodic axis,
    where there is one; methods: see `EITHER`.  budget: in seconds.  Trials stop early where all methods
    have one range of iterations: only then can they be compared at an iteration.  The first trial has the
    problem's own settings, unless the search is to be compared with others (against) and find its way alone.
    """
    # Without a damping of its own, which not every optimizer has.
    base = Setup.named(load_problem(problem), settings).changed({"damping": None})
    baseline = base if against is None else Setup.named(load_problem(problem), against)
    alike = len(set(methods.values())) == 1
    least = min(low for low, _ in methods.values())
    shared: dict[str, BaseDistribution] = {
        "optimizer": Choice(list(methods)) if alike else _with_settings(methods),
        "activation": CategoricalDistribution(activations),
        "width": IntDistribution(*width),
        "depth": IntDistribution(1, 3),
        "batch_size": IntDistribution(*batch_size, log=True),
        "gain": FloatDistribution(*gain, log=True),
    }
    if harmonics is not None:
        shared["harmonics"] = IntDistribution(*harmonics)
    if windows is not None:
        shared["windows"] = IntDistribution(*windows)
    space = {**shared, **_steps(methods[base.config.optimizer])} if alike else shared
    return Search(
        name=f"{problem}-second-order-search",
        question=question,
        base=base,
        baseline=baseline,
        space=space,
        trials=24,
        startup_trials=8,
        early_stopping="asha" if alike else "none",
        start_from=() if against else (_own(base, space),),
        grace_period=least // 2,
        reduction_factor=2,
        workers=4,
        budget=budget,
        quick={
            "space": {**shared, "optimizer": _with_settings(dict.fromkeys(methods, (20, 60)))},
            "baseline": baseline.shortened(30),
            "trials": 4,
            "startup_trials": 2,
            "start_from": (),
            "grace_period": 10,
            "budget": 20.0,
        },
    )


def _own(base: Setup, space: Mapping[str, BaseDistribution]) -> dict[str, Any]:
    """The base's settings that the space replaces."""
    settings = base.flat()
    if settings["gain"] is None:
        settings["gain"] = get_activation(settings["activation"]).gain
    below = branch(space["optimizer"], settings["optimizer"])
    return {key: settings[key] for key in (*space, *below)}


def _with_settings(methods: Mapping[str, tuple[int, int]]) -> Choice:
    """Of the methods, each with its iterations; one that takes single steps also has a rate, which falls."""
    falling = {
        "learning_rate": FloatDistribution(1e-3, 1e-1, log=True),
        "schedule": CategoricalDistribution(["cosine"]),
    }
    return Choice(
        {
            method: {**_steps(range_), **(falling if issubclass(OPTIMIZERS.get(method), Stepwise) else {})}
            for method, range_ in methods.items()
        }
    )


def _steps(range_: tuple[int, int]) -> dict[str, BaseDistribution]:
    return {"iterations": IntDistribution(*range_, log=True)}
