"""Which settings resolve the shock of Burgers' equation."""

from optuna.distributions import FloatDistribution, IntDistribution

from studies.study.against_plain import search_against_plain

STUDY = search_against_plain(
    "burgers",
    plain="plain",
    base={"width": 20, "batch_size": 256, "polish_iterations": 5_000, "polish_points": 4_000},
    space={
        "gain": FloatDistribution(1.0, 2.5, log=True),
        "learning_rate": FloatDistribution(2e-3, 1e-2, log=True),
        "iterations": IntDistribution(2_000, 5_000, log=True),
        "depth": IntDistribution(4, 6),
    },
)
