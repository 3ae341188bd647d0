"""Adam and second-order methods on the heat equation: small networks, points that stay the same."""

from studies.study.second_order import ANY, second_order_search

STUDY = second_order_search(
    "heat",
    question=(
        "Which optimizer solves the heat equation best, with which network and points, "
        "and is it better than the tuned settings with Adam?"
    ),
    activations=("tanh", "sin"),
    width=(8, 24),
    batch_size=(200, 1_200),
    gain=(0.5, 2.0),
    against="tuned",
    methods=ANY,
)
