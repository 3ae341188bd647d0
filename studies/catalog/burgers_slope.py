"""Activations with a trained slope for each layer."""

from studies.study.remedies import remedy_ablation

STUDY = remedy_ablation(
    "burgers",
    "slope",
    question="Do trained slopes of the activations lower the error at the same learning rate?",
    arms={"none": {}, **{f"n = {n:g}": {"activation_slope": n} for n in (1.0, 5.0, 10.0)}},
)
