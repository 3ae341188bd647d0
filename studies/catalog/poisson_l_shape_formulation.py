"""Energy or residual, where the solution's second derivatives are infinite at a corner."""

from studies.study.remedies import remedy_ablation

STUDY = remedy_ablation(
    "poisson-l-shape",
    "formulation",
    question="Does the energy or the squared residual give the lower error, at the same points a step?",
    base={"hard_conditions": False, "batch_size": 512, "loss_weights": {"boundary": 100.0}},
    baseline="residual",
    arms={
        "residual": {},
        "energy": {"formulation": "energy"},
        "energy, weight 1000": {"formulation": "energy", "loss_weights.boundary": 1000.0},
    },
)
