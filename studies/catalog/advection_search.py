"""Which settings carry a wave around the circle: thirty radians in a unit of time."""

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_core import Setup, load_problem
from studies.study import Search

DEFAULT = Setup.named(load_problem("advection"))
BASE = DEFAULT.changed({"width": 40, "polish_iterations": 1_500, "polish_points": 1_500, "batch_size": 512})

SPACE = {
    "activation": CategoricalDistribution(["tanh", "sin"]),
    "gain": FloatDistribution(1.0, 4.0, log=True),
    "learning_rate": FloatDistribution(5e-4, 1e-2, log=True),
    "causality": FloatDistribution(0.0, 2.0),
    "iterations": IntDistribution(1_000, 5_000, log=True),
    "depth": IntDistribution(2, 4),
}

STUDY = Search(
    name="advection-search",
    base=BASE,
    reference=DEFAULT,
    space=SPACE,
    trials=12,
    startup_trials=5,
    grace_period=500,
    reduction_factor=3,
    workers=4,
    time_limit=900.0,
    quick={
        "base": BASE.changed({"iterations": 300, "polish_iterations": 20}),
        "reference": DEFAULT.changed({"iterations": 300}),
        "space": {key: values for key, values in SPACE.items() if key != "iterations"},
        "trials": 4,
        "startup_trials": 2,
        "grace_period": 100,
    },
)
