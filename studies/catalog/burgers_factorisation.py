"""Random weight factorisation, by the mean of its logarithms."""

from studies.study.remedies import remedy_ablation

STUDY = remedy_ablation(
    "burgers",
    "factorisation",
    question="Do factors on each unit's weights lower the error at the same learning rate?",
    arms={"none": {}, **{f"{mean:g}": {"weight_factorisation": mean} for mean in (0.5, 1.0, 2.0)}},
)
