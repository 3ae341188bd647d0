"""The integral inside the loss: rule against number of nodes."""

from dgm_core import Setup, load_problem
from studies.study import Ablation

STUDY = Ablation.grid(
    name="fredholm-quadrature",
    question="Which quadrature, with how many nodes, solves the Fredholm equation best?",
    base=Setup.named(load_problem("fredholm"), "paper"),
    factors={
        "problem.quadrature": ["monte-carlo", "quasi-monte-carlo", "gauss-legendre"],
        "problem.nodes": [2, 5, 10, 50],
    },
    baseline={"problem.quadrature": "monte-carlo", "problem.nodes": 50},
    quick={
        "arms": ["monte-carlo, 5", "monte-carlo, 50", "gauss-legendre, 5", "gauss-legendre, 50"],
        "iterations": 300,
        "replicates": 3,
    },
)
