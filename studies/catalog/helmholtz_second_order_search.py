"""Adam and second-order methods on the Helmholtz equation: small networks, points that stay the same."""

from studies.study.second_order import ANY, second_order_search

STUDY = second_order_search(
    "helmholtz",
    question=(
        "Which optimizer solves the Helmholtz equation best, with which network and points, "
        "and is it better than the tuned settings with Adam?"
    ),
    activations=("sin", "tanh"),
    width=(16, 40),
    batch_size=(400, 3_000),
    gain=(2.0, 5.0),
    against="default",
    methods=ANY,
)
