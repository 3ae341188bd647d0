"""Which settings bear a corner at which the gradient is infinite."""

from optuna.distributions import FloatDistribution, IntDistribution

from studies.study.against_plain import search_against_plain

STUDY = search_against_plain(
    "poisson-l-shape",
    base={"polish_iterations": 500, "polish_points": 1_000},
    space={
        "learning_rate": FloatDistribution(1e-3, 1e-2, log=True),
        "batch_size": IntDistribution(64, 512, log=True),
        "width": IntDistribution(16, 48, log=True),
        "depth": IntDistribution(2, 5),
        "iterations": IntDistribution(1_000, 5_000, log=True),
    },
)
