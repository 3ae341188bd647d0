"""What the solution looks like at a corner that turns inwards, as inputs of the network."""

from studies.study.remedies import remedy_ablation

STUDY = remedy_ablation(
    "poisson-l-shape",
    "corners",
    question="Do the singular functions of a re-entrant corner, as inputs, lower the error?",
    base={"hard_conditions": False, "loss_weights": {"boundary": 100.0}},
    arms={
        "none": {},
        "one function": {"corner_functions": 1},
        "two functions": {"corner_functions": 2},
        "four functions": {"corner_functions": 4},
    },
)
