"""The paper's hyperparameter search (listings 6 and 7), with the depth added.

The space has the paper's bounds.  Batch size and iterations are scales: the one is a power of two, each as
likely as any other, the other is drawn on a logarithmic scale.
What all trials share has three changes from the paper's settings: the rate decays along a cosine, inputs are
mapped to [−1, 1] before the first layer, and what is evaluated is a short moving average of the weights.
A decay towards a trial's own last iteration makes trials at one rung unequal, the short one being further
on in its schedule; the average takes away the noise of a rate that has not decayed yet.
"""

from optuna.distributions import FloatDistribution, IntDistribution

from dgm_core import Setup, load_problem
from studies.study import PowersOfTwo, Search

PAPER = Setup.named(load_problem("heat"), "paper")

STUDY = Search(
    name="heat-search",
    question=(
        "Which batch size, learning rate, number of iterations and depth solve the heat equation "
        "best, and do they beat the paper's own settings?"
    ),
    base=PAPER.changed({"schedule": "cosine", "input_scaling": "unit", "averaging": 0.99}),
    baseline=PAPER,
    space={
        "batch_size": PowersOfTwo(1, 512),
        "learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
        "iterations": IntDistribution(1_000, 50_000, log=True),
        "depth": IntDistribution(1, 6),
    },
    trials=24,
    replicates=3,
    startup_trials=8,
    grace_period=500,
    reduction_factor=2,
    workers=4,
    # On two cores five and a half minutes; with its confirmation and its figures it ends within ten.
    budget=165.0,
    quick={
        "space": {
            "batch_size": PowersOfTwo(1, 128),
            "learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
            "iterations": IntDistribution(200, 2_000, log=True),
            "depth": IntDistribution(1, 4),
        },
        "baseline": PAPER.changed({"iterations": 2_000}),
        "trials": 8,
        "startup_trials": 4,
        "grace_period": 100,
        "budget": 20.0,
    },
)
