"""Where an equation holds: boxes and what else has an inside, named parts of a boundary, and normals."""

from dgm_core.formulation.domains.ball import Annulus, Ball
from dgm_core.formulation.domains.base import Domain, Part
from dgm_core.formulation.domains.box import Box, Face
from dgm_core.formulation.domains.combined import Difference, InTime, Union
from dgm_core.formulation.domains.polygon import Polygon
from dgm_core.formulation.domains.product import Product

__all__ = [
    "Annulus",
    "Ball",
    "Box",
    "Difference",
    "Domain",
    "Face",
    "InTime",
    "Part",
    "Polygon",
    "Product",
    "Union",
]
