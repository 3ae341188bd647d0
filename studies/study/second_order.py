"""A search over second-order methods: what those of the catalogue share."""

from __future__ import annotations

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_core import Setup, load_problem
from studies.study.search import Search


def second_order_search(
    problem: str,
    *,
    question: str,
    activations: tuple[str, ...],
    width: tuple[int, int],
    batch_size: tuple[int, int],
    gain: tuple[float, float],
    settings: str = "second-order",
    methods: tuple[str, ...] = ("gauss-newton", "spring", "ssbroyden", "lbfgs"),
    iterations: tuple[int, int] = (60, 480),
    harmonics: tuple[int, int] | None = None,
    budget: float = 300.0,
) -> Search:
    """A search over method, network and points, compared with settings of the problem's own.

    width, batch_size, gain, iterations: the range of each, ends included; harmonics: that of a periodic axis,
    where there is one.  budget: in seconds.
    """
    # Without a damping of its own, which not every optimizer has.
    base = Setup.named(load_problem(problem), settings).changed({"damping": None})
    space = {
        "optimizer": CategoricalDistribution(methods),
        "activation": CategoricalDistribution(activations),
        "width": IntDistribution(*width),
        "depth": IntDistribution(1, 3),
        "batch_size": IntDistribution(*batch_size, log=True),
        "gain": FloatDistribution(*gain, log=True),
        "iterations": IntDistribution(*iterations, log=True),
    }
    if harmonics is not None:
        space["harmonics"] = IntDistribution(*harmonics)
    return Search(
        name=f"{problem}-second-order-search",
        question=question,
        base=base,
        baseline=base,
        space=space,
        trials=24,
        startup_trials=8,
        grace_period=iterations[0] // 2,
        reduction_factor=2,
        workers=4,
        budget=budget,
        quick={
            "space": {**space, "iterations": IntDistribution(20, 60, log=True)},
            "baseline": base.changed({"iterations": 30}),
            "trials": 4,
            "startup_trials": 2,
            "grace_period": 10,
            "budget": 20.0,
        },
    )
