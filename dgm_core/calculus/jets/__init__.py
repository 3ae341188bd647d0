"""Jets: derivatives carried forward through a network, beside its values."""

from dgm_core.calculus.jets.build import compiler
from dgm_core.calculus.jets.forward import Carried, carried

__all__ = ["Carried", "carried", "compiler"]
