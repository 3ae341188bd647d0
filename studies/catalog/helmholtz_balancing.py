"""Weights of the loss that follow the training, on an equation whose residual dwarfs its conditions."""

from studies.study.remedies import remedy_ablation

FIXED = {"redraw_every": 0, "sampler": "sobol"}
"""Residual-based attention weighs points that stay the same."""

STUDY = remedy_ablation(
    "helmholtz",
    "balancing",
    question="Which way to balance the loss lowers the error, at the same points a step?",
    base={"hard_conditions": False, "activation": "sin", "gain": 2.0},
    arms={
        "none": {},
        "gradient norms": {"balancing": "gradient-norm"},
        "tangent kernel": {"balancing": "ntk"},
        "none, fixed points": FIXED,
        "residual attention, fixed points": {**FIXED, "balancing": "residual-attention"},
    },
)
