"""Optimizers: each a class in a file of its own, with its source.

Two kinds: `Stepwise` ones take one step for each gradient, and `Minimiser`s lower the loss on points that
stay the same.
"""

from dgm_core.registry import Registry, subclasses
from dgm_core.training.optimizers.base import Minimiser, Objective, Optimizer, Settings, Stepwise

OPTIMIZERS: Registry[type[Optimizer]] = Registry(
    "optimizer", "dgm_core.training.optimizers", lambda module: subclasses(module, Optimizer)
)

__all__ = ["OPTIMIZERS", "Minimiser", "Objective", "Optimizer", "Settings", "Stepwise"]
