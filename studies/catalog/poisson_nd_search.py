"""Which settings solve Poisson's equation in twenty dimensions."""

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from studies.study.against_plain import search_against_plain

STUDY = search_against_plain(
    "poisson-nd",
    plain="plain",
    base={"polish_iterations": 800, "polish_points": 768, "loss_weights": {"boundary": 100.0}},
    space={
        "activation": CategoricalDistribution(["tanh", "sin"]),
        "learning_rate": FloatDistribution(1e-3, 3e-2, log=True),
        "batch_size": IntDistribution(32, 256, log=True),
        "iterations": IntDistribution(500, 2_000, log=True),
        "depth": IntDistribution(1, 3),
    },
)
