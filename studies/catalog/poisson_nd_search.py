"""Which settings solve Poisson's equation in twenty dimensions."""

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_core import Setup, load_problem
from studies.study import Search

DEFAULT = Setup.named(load_problem("poisson-nd"))
BASE = DEFAULT.changed(
    {"width": 32, "polish_iterations": 300, "polish_points": 512, "loss_weights": {"boundary": 100.0}}
)

SPACE = {
    "activation": CategoricalDistribution(["tanh", "sin", "silu"]),
    "learning_rate": FloatDistribution(1e-3, 3e-2, log=True),
    "batch_size": IntDistribution(32, 256, log=True),
    "iterations": IntDistribution(500, 3_000, log=True),
    "depth": IntDistribution(1, 3),
}

STUDY = Search(
    name="poisson-nd-search",
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
