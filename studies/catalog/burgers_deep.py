"""Networks of twelve hidden layers: plain, gated, and of adaptive residual blocks."""

from studies.study.remedies import remedy_ablation

STUDY = remedy_ablation(
    "burgers",
    "deep",
    question="Do gates and adaptive residual connections make a deep network trainable?",
    arms={
        "mlp, 3 layers": {},
        "mlp, 12 layers": {"depth": 12},
        "modified-mlp, 12 layers": {"network": "modified-mlp", "depth": 12},
        "piratenet, 12 layers": {"network": "piratenet", "depth": 4},
    },
    baseline="mlp, 3 layers",
    quick={"iterations": 300, "replicates": 2},
)
