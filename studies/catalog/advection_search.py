"""Which settings carry a wave around the circle: thirty radians in a unit of time."""

from optuna.distributions import FloatDistribution, IntDistribution

from studies.study.against_plain import search_against_plain

STUDY = search_against_plain(
    "advection",
    plain="plain",
    base={
        "activation": "sin",
        "width": 40,
        "input_scaling": "none",
        "batch_size": 512,
        "polish_iterations": 4_000,
        "polish_points": 1_000,
    },
    space={
        "gain": FloatDistribution(1.0, 3.0, log=True),
        "learning_rate": FloatDistribution(3e-3, 2e-2, log=True),
        "causality": FloatDistribution(0.0, 2.0),
        "iterations": IntDistribution(2_000, 6_000, log=True),
        "depth": IntDistribution(1, 3),
    },
)
