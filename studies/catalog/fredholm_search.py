"""Better settings for the Fredholm equation, at no more than the paper's iterations."""

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_core import Setup, load_problem
from studies.study import Search

PAPER = Setup.named(load_problem("fredholm"), "paper")

POLISH = 500
"""L-BFGS iterations that end every trial.  Optimizer steps alone leave an error of 2e-3 to 4e-4."""

SPACE = {
    "network": CategoricalDistribution(["mlp", "dgm"]),
    "activation": CategoricalDistribution(["tanh", "relu", "sin"]),
    "depth": IntDistribution(1, 3),
    "width": IntDistribution(8, 64, log=True),
    "batch_size": IntDistribution(8, 256, log=True),
    "learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
    "schedule": CategoricalDistribution(["constant", "cosine"]),
    "iterations": IntDistribution(500, 3_000 - POLISH),
    "problem.quadrature": CategoricalDistribution(["monte-carlo", "quasi-monte-carlo", "gauss-legendre"]),
    "problem.nodes": IntDistribution(5, 50),
}

STUDY = Search(
    name="fredholm-search",
    question="Which network, training and quadrature solve the Fredholm equation best in 3 000 iterations?",
    base=PAPER.changed({"gain": None, "polish_iterations": POLISH, "polish_points": 50}),
    baseline=PAPER,
    space=SPACE,
    trials=24,
    grace_period=250,
    reduction_factor=3,
    quick={
        "base": PAPER.changed({"gain": None, "polish_iterations": 20, "polish_points": 50}),
        "space": {**SPACE, "iterations": IntDistribution(200, 500)},
        "baseline": PAPER.changed({"iterations": 500}),
        "trials": 8,
        "startup_trials": 4,
        "grace_period": 100,
    },
)
