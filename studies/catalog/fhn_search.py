"""Settings that follow the FitzHugh–Nagumo oscillation over all thirty time units."""

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_core import Setup, load_problem
from studies.study import Search

START = Setup.named(load_problem("fitzhugh-nagumo"), "paper").changed(
    {
        "network": "mlp",
        "depth": 2,
        "width": 32,
        "gain": None,
        "input_scaling": "unit",
        "hard_conditions": True,
        "sampler": "stratified",
        "batch_size": 64,
        "learning_rate": 5e-3,
        "schedule": "cosine",
        "milestones": [],
        "decay": 0.0,
        "iterations": 2_000,
        "windows": 10,
        "polish_iterations": 200,
        "polish_points": 200,
    }
)
"""Found by hand, after some ten configurations: what a search is to improve on."""

SPACE = {
    "network": CategoricalDistribution(["mlp", "dgm"]),
    "depth": IntDistribution(1, 3),
    "width": IntDistribution(16, 48, log=True),
    "windows": CategoricalDistribution([5, 10, 20]),
    "batch_size": IntDistribution(16, 128, log=True),
    "learning_rate": FloatDistribution(1e-3, 2e-2, log=True),
    "iterations": IntDistribution(1_000, 5_000),
}

STUDY = Search(
    name="fhn-search",
    question=(
        "Which network, how many time windows and which training solve FitzHugh–Nagumo best, when hard "
        "initial conditions and a polish of every window are given?"
    ),
    base=START,
    baseline=START,
    space=SPACE,
    trials=16,
    # A window that is not begun counts with its untrained weights, so that before the last one the
    # score says how far a trial has come and not how good it is: no early stopping.
    grace_period=5_000,
    quick={
        "base": START.changed({"polish_iterations": 10}),
        "space": {**SPACE, "iterations": IntDistribution(200, 500)},
        "baseline": START.changed({"polish_iterations": 10, "iterations": 500}),
        "trials": 4,
        "startup_trials": 2,
        "confirmations": 3,
    },
)
