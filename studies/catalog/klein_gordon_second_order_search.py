"""Second-order methods on a nonlinear Klein–Gordon equation, with small networks."""

from studies.study.second_order import second_order_search

STUDY = second_order_search(
    "klein-gordon",
    question="Which second-order method solves the Klein–Gordon equation best, with which network?",
    activations=("sin", "tanh"),
    width=(12, 32),
    batch_size=(500, 2_000),
    gain=(0.5, 2.0),
    settings="default",
)
