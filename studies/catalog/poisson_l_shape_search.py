"""Which settings bear a corner at which the gradient is infinite."""

from optuna.distributions import FloatDistribution, IntDistribution

from dgm_core import Setup, load_problem
from studies.study import Search

DEFAULT = Setup.named(load_problem("poisson-l-shape"))
BASE = DEFAULT.changed({"polish_iterations": 500, "polish_points": 1_000})

SPACE = {
    "learning_rate": FloatDistribution(1e-3, 1e-2, log=True),
    "batch_size": IntDistribution(64, 512, log=True),
    "width": IntDistribution(16, 48, log=True),
    "depth": IntDistribution(2, 5),
    "iterations": IntDistribution(1_000, 5_000, log=True),
}

STUDY = Search(
    name="poisson-l-shape-search",
    base=BASE,
    baseline=DEFAULT,
    space=SPACE,
    trials=12,
    startup_trials=5,
    grace_period=500,
    reduction_factor=3,
    workers=4,
    budget=450.0,  # a quarter of an hour on two cores
    quick={
        "base": BASE.changed({"iterations": 300, "polish_iterations": 20}),
        "baseline": DEFAULT.changed({"iterations": 300}),
        "space": {key: values for key, values in SPACE.items() if key != "iterations"},
        "trials": 4,
        "startup_trials": 2,
        "grace_period": 100,
    },
)
