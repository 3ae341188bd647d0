"""What it costs to impose the left boundary twice and the right one never.

The paper's scripts for its search and its ablations do so: their right boundary's points lie at x = 0.
"""

from dgm_core import Setup, load_problem
from studies.study import Ablation

STUDY = Ablation(
    name="heat-boundary",
    question="What does a right boundary that is imposed at x = 0 do to the loss and to the solution?",
    base=Setup.named(load_problem("heat"), "paper"),
    arms={
        "both ends": {},
        "left end twice": {"loss_weights": {"left": 2.0, "right": 0.0}},
    },
    baseline="both ends",
    quick={"iterations": 500, "replicates": 3},
)
