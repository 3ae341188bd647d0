"""Which settings resolve the shock of Burgers' equation."""

from optuna.distributions import FloatDistribution, IntDistribution

from dgm_core import Setup, load_problem
from studies.study import Search

DEFAULT = Setup.named(load_problem("burgers"))
BASE = DEFAULT.changed({"width": 24, "polish_iterations": 1_500, "polish_points": 2_000})

SPACE = {
    "gain": FloatDistribution(0.7, 3.0, log=True),
    "learning_rate": FloatDistribution(1e-3, 1e-2, log=True),
    "batch_size": IntDistribution(64, 1024, log=True),
    "iterations": IntDistribution(1_000, 5_000, log=True),
    "depth": IntDistribution(3, 6),
}

STUDY = Search(
    name="burgers-search",
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
