"""Initial weights at the paper's other settings."""

from dgm_core import Setup, load_problem
from dgm_core.networks import INITIALISATIONS
from studies.study import Ablation

STUDY = Ablation.grid(
    name="heat-initialisation",
    question="Do the initial weights' distribution and gain matter to the error reached?",
    base=Setup.named(load_problem("heat"), "paper"),
    factors={"initialisation": list(INITIALISATIONS), "gain": [1.0, 5.0 / 3.0]},
    baseline={"initialisation": "xavier_uniform", "gain": 1.0},
    quick={"iterations": 500, "replicates": 3},
)
