"""The paper's figure 10: batch normalisation before, after and without, for tanh and ReLU."""

from itertools import product

from dgm_core import Setup, load_problem
from studies.study import Ablation

GAINS = {"tanh": 1.0, "relu": None}
"""Xavier's for tanh is the paper's; ReLU takes Kaiming's own."""
BATCH_NORMS = ["none", "before", "after"]

STUDY = Ablation(
    name="heat-batch-norm",
    question="Does batch normalisation speed up the loss, and does it help or harm the solution?",
    base=Setup.named(load_problem("heat"), "paper"),
    arms={
        f"{activation}, {norm}": {"activation": activation, "gain": gain, "batch_norm": norm}
        for (activation, gain), norm in product(GAINS.items(), BATCH_NORMS)
    },
    factors={"activation": list(GAINS), "batch_norm": BATCH_NORMS},
    baseline="tanh, none",
    quick={"iterations": 500, "replicates": 3},
)
