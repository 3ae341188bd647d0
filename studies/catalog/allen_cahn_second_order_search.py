"""Quasi-Newton methods on the Allen–Cahn equation, with small networks and several harmonics."""

from studies.study.second_order import quasi_newton, second_order_search

STUDY = second_order_search(
    "allen-cahn",
    question="Which quasi-Newton method solves the Allen–Cahn equation best, with which network and points?",
    activations=("tanh", "sin"),
    width=(16, 32),
    batch_size=(2_000, 5_000),
    gain=(0.7, 2.0),
    settings="default",
    methods=quasi_newton(2_000, 16_000),
    harmonics=(1, 5),
    budget=1_800.0,
)
