"""Harmonics of a periodic axis, where the solution has but one."""

from studies.study.remedies import remedy_ablation

STUDY = remedy_ablation(
    "advection",
    "harmonics",
    question="What do harmonics that the solution does not have cost?",
    base={"activation": "sin", "gain": 2.0, "causality": 1.0},
    arms={f"{harmonics}": {"harmonics": harmonics} for harmonics in (1, 2, 4, 8)},
    baseline="1",
    quick={"arms": ["1", "4"]},
)
