"""Which settings resolve the shock of Burgers' equation."""

from optuna.distributions import FloatDistribution, IntDistribution

from dgm_core import Setup, load_problem
from studies.study import Search

PLAIN = Setup.named(load_problem("burgers"), "plain")
BASE = PLAIN.changed({"width": 20, "batch_size": 256, "polish_iterations": 5_000, "polish_points": 4_000})

SPACE = {
    "gain": FloatDistribution(1.0, 2.5, log=True),
    "learning_rate": FloatDistribution(2e-3, 1e-2, log=True),
    "iterations": IntDistribution(2_000, 5_000, log=True),
    "depth": IntDistribution(4, 6),
}

STUDY = Search(
    name="burgers-search",
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
