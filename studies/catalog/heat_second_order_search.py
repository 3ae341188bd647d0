"""Second-order methods on the heat equation, with small networks and points that stay the same."""

from studies.study.second_order import second_order_search

STUDY = second_order_search(
    "heat",
    question="Which second-order method solves the heat equation best, with which network and points?",
    activations=("tanh", "sin"),
    width=(8, 24),
    batch_size=(200, 1_200),
    gain=(0.5, 2.0),
)
