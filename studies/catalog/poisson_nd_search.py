"""Which settings solve Poisson's equation in twenty dimensions."""

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_core import Setup, load_problem
from studies.study import Search

PLAIN = Setup.named(load_problem("poisson-nd"), "plain")
BASE = PLAIN.changed({"polish_iterations": 800, "polish_points": 768, "loss_weights": {"boundary": 100.0}})

SPACE = {
    "activation": CategoricalDistribution(["tanh", "sin"]),
    "learning_rate": FloatDistribution(1e-3, 3e-2, log=True),
    "batch_size": IntDistribution(32, 256, log=True),
    "iterations": IntDistribution(500, 2_000, log=True),
    "depth": IntDistribution(1, 3),
}

STUDY = Search(
    name="poisson-nd-search",
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
