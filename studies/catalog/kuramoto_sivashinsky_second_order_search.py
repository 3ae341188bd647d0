"""Quasi-Newton methods on the Kuramoto–Sivashinsky equation, with several harmonics."""

from studies.study.second_order import quasi_newton, second_order_search

STUDY = second_order_search(
    "kuramoto-sivashinsky",
    question="Which quasi-Newton method solves the Kuramoto–Sivashinsky equation best, with which network?",
    activations=("tanh", "sin"),
    width=(16, 32),
    batch_size=(2_000, 5_000),
    gain=(0.7, 2.0),
    settings="default",
    methods=quasi_newton(1_000, 8_000),
    harmonics=(2, 8),
    windows=(3, 8),
    budget=1_800.0,
)
