"""Which settings solve the Helmholtz equation: the gain sets the frequencies that the weights start with."""

from optuna.distributions import FloatDistribution, IntDistribution

from studies.study.against_plain import search_against_plain

STUDY = search_against_plain(
    "helmholtz",
    plain="plain",
    base={"activation": "sin", "width": 40, "polish_iterations": 1_500, "polish_points": 1_500},
    space={
        "gain": FloatDistribution(1.0, 4.0, log=True),
        "learning_rate": FloatDistribution(1e-3, 1e-2, log=True),
        "batch_size": IntDistribution(64, 512, log=True),
        "iterations": IntDistribution(1_000, 4_000, log=True),
        "depth": IntDistribution(2, 4),
    },
)
