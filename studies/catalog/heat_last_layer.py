"""Where the last layer starts: drawn, or fitted to the equation before any training."""

from studies.study.remedies import remedy_ablation

STUDY = remedy_ablation(
    "heat",
    "last-layer",
    question="Does a last layer that starts by least squares lower the error that a training ends at?",
    arms={
        "none": {},
        "least squares": {"last_layer": "least-squares"},
        "PirateNet": {"network": "piratenet"},
        "PirateNet, least squares": {"network": "piratenet", "last_layer": "least-squares"},
    },
)
