"""Jets: derivatives carried forward through a network, beside its values."""

from dgm_core.calculus.jets.choice import carried
from dgm_core.calculus.jets.forward import Carried
from dgm_core.calculus.jets.kernels.build import compiler

__all__ = ["Carried", "carried", "compiler"]
