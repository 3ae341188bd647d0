"""Second-order methods on the Helmholtz equation, with small networks and points that stay the same."""

from studies.study.second_order import second_order_search

STUDY = second_order_search(
    "helmholtz",
    question="Which second-order method solves the Helmholtz equation best, with which network and points?",
    activations=("sin", "tanh"),
    width=(16, 40),
    batch_size=(400, 3_000),
    gain=(2.0, 5.0),
)
