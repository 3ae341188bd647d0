"""Second-order methods on the Helmholtz equation, with small networks and points that stay the same."""

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_core import Setup, load_problem
from studies.study import Search

BASE = Setup.named(load_problem("helmholtz"), "second-order").changed({"damping": None})
"""Without a damping of its own, which not every optimizer has."""

SPACE = {
    "optimizer": CategoricalDistribution(["gauss-newton", "spring", "ssbroyden", "lbfgs"]),
    "activation": CategoricalDistribution(["sin", "tanh"]),
    "width": IntDistribution(16, 40),
    "depth": IntDistribution(1, 3),
    "batch_size": IntDistribution(800, 3_000, log=True),
    "gain": FloatDistribution(2.0, 5.0, log=True),
    "iterations": IntDistribution(60, 480, log=True),
}

STUDY = Search(
    name="helmholtz-second-order-search",
    question="Which second-order method solves the Helmholtz equation best, with which network and points?",
    base=BASE,
    baseline=BASE,
    space=SPACE,
    trials=24,
    startup_trials=8,
    grace_period=30,
    reduction_factor=2,
    workers=4,
    budget=300.0,
    quick={
        "space": {**SPACE, "iterations": IntDistribution(20, 60, log=True)},
        "baseline": BASE.changed({"iterations": 30}),
        "trials": 4,
        "startup_trials": 2,
        "grace_period": 10,
        "budget": 20.0,
    },
)
