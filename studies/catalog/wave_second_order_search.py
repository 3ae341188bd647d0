"""Quasi-Newton methods on a wave of two modes, with small networks and points that stay the same."""

from studies.study.second_order import quasi_newton, second_order_search

STUDY = second_order_search(
    "wave",
    question="Which quasi-Newton method solves the wave equation best, with which network and points?",
    activations=("sin", "tanh"),
    width=(20, 40),
    batch_size=(1_000, 3_000),
    gain=(2.0, 5.0),
    settings="default",
    methods=quasi_newton(1_000, 8_000),
    budget=900.0,
)
