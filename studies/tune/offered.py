"""Ray Tune's searchers and schedulers that a study takes by name, without importing Ray, which is slow."""

from __future__ import annotations

from typing import NamedTuple


class Offered(NamedTuple):
    """A name's entry: what it is, and the packages that it needs beside Ray."""

    what: str
    needs: str = ""


SEARCHERS = {
    "ax": Offered("Bayesian optimisation, by Ax.", "ax-platform"),
    "bayesopt": Offered("A Gaussian process, by bayesian-optimization.", "bayesian-optimization"),
    "bohb": Offered("BOHB's kernel densities; only with --scheduler bohb.", "hpbandster, ConfigSpace"),
    "hebo": Offered("Gaussian processes of transformed scores (HEBO).", "HEBO"),
    "hyperopt": Offered("Tree-structured Parzen estimators, by Hyperopt.", "hyperopt"),
    "nevergrad": Offered(
        "Nevergrad's optimizers; only by a function in a file, which picks one.", "nevergrad"
    ),
    "optuna": Offered("Tree-structured Parzen estimators, by Optuna: the default."),
    "zoopt": Offered("Optimisation by classification (ZOOpt).", "zoopt"),
}
"""Names that Tune's `create_searcher` knows."""
SCHEDULERS = {
    "asha": Offered("Stops a trial that is not among the best so far at its rung: the default."),
    "hyperband": Offered("Pauses trials at a rung until their bracket has reached it; the best go on."),
    "bohb": Offered("Hyperband that starts with the bracket that stops most."),
    "median": Offered("Stops a trial whose best score is worse than the median of the others' averages."),
    "fifo": Offered("Stops nothing."),
}
"""Those that stop or pause trials."""
POPULATIONS = {
    "pbt": Offered("Changes settings during the training (population-based training)."),
    "pb2": Offered("The same, guided by a Gaussian process.", "scikit-learn"),
}
"""Those that change all that can change in a space, every `grace_period` iterations."""
