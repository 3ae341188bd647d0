"""Which settings carry a wave around the circle: thirty radians in a unit of time."""

from optuna.distributions import FloatDistribution, IntDistribution

from dgm_core import Setup, load_problem
from studies.study import Search

PLAIN = Setup.named(load_problem("advection"), "plain")
BASE = PLAIN.changed(
    {
        "activation": "sin",
        "width": 40,
        "input_scaling": "none",
        "batch_size": 512,
        "polish_iterations": 4_000,
        "polish_points": 1_000,
    }
)

SPACE = {
    "gain": FloatDistribution(1.0, 3.0, log=True),
    "learning_rate": FloatDistribution(3e-3, 2e-2, log=True),
    "causality": FloatDistribution(0.0, 2.0),
    "iterations": IntDistribution(2_000, 6_000, log=True),
    "depth": IntDistribution(1, 3),
}

STUDY = Search(
    name="advection-search",
    base=BASE,
    baseline=PLAIN,
    space=SPACE,
    trials=12,
    startup_trials=5,
    grace_period=500,
    reduction_factor=3,
    workers=4,
    budget=450.0,  # a quarter of an hour on two cores
    quick={
        "base": BASE.changed({"iterations": 300, "polish_iterations": 20}),
        "baseline": PLAIN.changed({"iterations": 300}),
        "space": {key: values for key, values in SPACE.items() if key != "iterations"},
        "trials": 4,
        "startup_trials": 2,
        "grace_period": 100,
    },
)
