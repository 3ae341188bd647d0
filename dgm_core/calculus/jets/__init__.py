"""Jets: derivatives carried forward through a network, beside its values."""

from dgm_core.calculus.jets.forward import Carried, carried
from dgm_core.calculus.jets.kernels.build import compiler

__all__ = ["Carried", "carried", "compiler"]
