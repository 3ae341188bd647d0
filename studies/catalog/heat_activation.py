"""Every activation at the paper's settings, each with the initial weights it asks for."""

from dgm_core import Setup, load_problem
from dgm_core.networks import ACTIVATIONS
from studies.study import Ablation

STUDY = Ablation(
    name="heat-activation",
    question="Which activation solves the heat equation, and which only lowers its loss?",
    base=Setup.named(load_problem("heat"), "paper").changed({"gain": None}),
    arms={name: {"activation": name} for name in ACTIVATIONS},
    factors={"activation": list(ACTIVATIONS)},
    baseline="tanh",
    quick={"arms": ["tanh", "sin", "relu"], "iterations": 500, "replicates": 3},
)
