"""Random Fourier features of several scales where the solution has a frequency of its own."""

from studies.study.remedies import remedy_ablation

STUDY = remedy_ablation(
    "helmholtz",
    "fourier",
    question="Do random Fourier features find the Helmholtz solution sooner, and at which scale?",
    arms={
        "none": {},
        **{
            f"scale {scale:g}": {"embedding": "fourier", "embedding_scale": scale}
            for scale in (1.0, 2.0, 4.0, 16.0)
        },
    },
)
