"""MLP, DGM and ResNet of nearly the same number of parameters on FitzHugh–Nagumo."""

from dgm_core import Setup, load_problem
from studies.study import Ablation

ARMS = {
    "mlp": {"network": "mlp", "depth": 3, "width": 45},
    "dgm": {"network": "dgm", "depth": 2, "width": 22},
    "resnet": {"network": "resnet", "depth": 2, "width": 37},
}
"""Parameters a window: see `test_matched_networks_have_nearly_the_same_size`."""

STUDY = Ablation(
    name="fhn-network",
    question="With the same number of parameters, does the network's architecture matter?",
    base=Setup.named(load_problem("fitzhugh-nagumo"), "tuned"),
    arms=ARMS,
    factors={"network": list(ARMS)},
    baseline="mlp",
    quick={"iterations": 200, "replicates": 2},
)
