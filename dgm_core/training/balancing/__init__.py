"""How weights of the loss follow the training: each way a class in a file of its own, with its source."""

from dgm_core.registry import Registry, subclasses
from dgm_core.training.balancing.base import Balancer, TermBalancer

BALANCINGS: Registry[type[Balancer]] = Registry(
    "balancing", "dgm_core.training.balancing", lambda module: subclasses(module, Balancer)
)

__all__ = ["BALANCINGS", "Balancer", "TermBalancer"]
