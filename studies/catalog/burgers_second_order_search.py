"""Quasi-Newton methods on Burgers' equation, on points that are drawn again where the residual is large."""

from studies.study.second_order import quasi_newton, second_order_search

STUDY = second_order_search(
    "burgers",
    question="Which quasi-Newton method solves Burgers' equation best, with which network and points?",
    activations=("tanh", "sin"),
    width=(12, 28),
    batch_size=(500, 4_000),
    gain=(0.7, 2.0),
    methods=quasi_newton(1_500, 13_000),
    budget=1_800.0,
)
