"""Which settings solve the Helmholtz equation: the gain sets the frequencies that the weights start with."""

from optuna.distributions import FloatDistribution, IntDistribution

from dgm_core import Setup, load_problem
from studies.study import Search

PLAIN = Setup.named(load_problem("helmholtz"), "plain")
BASE = PLAIN.changed({"activation": "sin", "width": 40, "polish_iterations": 1_500, "polish_points": 1_500})

SPACE = {
    "gain": FloatDistribution(1.0, 4.0, log=True),
    "learning_rate": FloatDistribution(1e-3, 1e-2, log=True),
    "batch_size": IntDistribution(64, 512, log=True),
    "iterations": IntDistribution(1_000, 4_000, log=True),
    "depth": IntDistribution(2, 4),
}

STUDY = Search(
    name="helmholtz-search",
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
