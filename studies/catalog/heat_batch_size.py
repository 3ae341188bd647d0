"""The paper's figure 9, with a batch size that does vary."""

from dgm_core import Setup, load_problem
from studies.study import Ablation

SIZES = [2**k for k in range(11)]

STUDY = Ablation(
    name="heat-batch-size",
    question="How does the mini-batch size change the error reached, per step, per point and per second?",
    base=Setup.named(load_problem("heat"), "paper"),
    arms={str(size): {"batch_size": size} for size in SIZES},
    factors={"batch_size": SIZES},
    baseline="64",
    quick={"arms": ["1", "8", "64", "256"], "iterations": 500, "replicates": 3},
)
