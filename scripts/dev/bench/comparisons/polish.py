"""Polishes of five replicates: SciPy's one after another, and all together."""

from __future__ import annotations

from collections.abc import Iterator

from dev.bench.comparison import Case, Comparison, Peer
from dev.bench.peers.polishes import batched_polish, scipy_polish
from dgm_core import Setup, load_problem

ITERATIONS = 80
"""Of L-BFGS: more than it remembers, so that its memory is full."""
SEEDS = range(5)
SETTINGS = {"fredholm": "tuned", "fitzhugh-nagumo": "tuned", "heat": "tuned", "helmholtz": "default"}


def cases() -> Iterator[Case]:
    """Problems with the settings whose searches chose a polish, and the heat equation, with 1000 points."""
    share = len(SEEDS) * ITERATIONS
    for problem, settings in SETTINGS.items():
        setup = Setup.named(load_problem(problem), settings).changed({"polish_iterations": ITERATIONS})
        yield Case(
            f"{problem}, {setup.config.polish_points} points, K = {len(SEEDS)}",
            tuple(
                Peer(name, polish(setup, SEEDS, carry=carry), share, warm_up=1)
                for name, polish, carry in (
                    ("SciPy one after another, nested autograd", scipy_polish, False),
                    ("SciPy one after another", scipy_polish, True),
                    ("together, nested autograd", batched_polish, False),
                    ("together", batched_polish, True),
                )
            ),
        )


POLISH = Comparison(
    "polish",
    f"{ITERATIONS} L-BFGS iterations of {len(SEEDS)} replicates on fixed points, float64",
    "ms for each replicate and iteration",
    cases,
)
