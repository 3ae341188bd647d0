"""What problems are made of: domains, conditions, references, and the families that share more."""

from dgm_core.formulation.base import Problem
from dgm_core.formulation.conditions import (
    Cauchy,
    Condition,
    Dirichlet,
    Holds,
    InitialVelocity,
    Measured,
    Neumann,
    Periodic,
    Robin,
)
from dgm_core.formulation.domains import (
    Annulus,
    Ball,
    Box,
    Difference,
    Domain,
    InTime,
    Part,
    Polygon,
    Product,
    Union,
)
from dgm_core.formulation.energy import Energy
from dgm_core.formulation.initial_value import InitialValueProblem
from dgm_core.formulation.integral import Integral
from dgm_core.formulation.integral_equation import IntegralEquation
from dgm_core.formulation.ode import ODE
from dgm_core.formulation.references import Table
from dgm_core.formulation.regions import Axis, BoxRegion, FixedNodes, Parameter, Region
from dgm_core.formulation.terms import METRICS, RESIDUAL, Conditions, Points, Residual, Residuals, of_output
from dgm_core.formulation.trained import Trained

__all__ = [
    "METRICS",
    "ODE",
    "RESIDUAL",
    "Annulus",
    "Axis",
    "Ball",
    "Box",
    "BoxRegion",
    "Cauchy",
    "Condition",
    "Conditions",
    "Difference",
    "Dirichlet",
    "Domain",
    "Energy",
    "FixedNodes",
    "Holds",
    "InTime",
    "InitialValueProblem",
    "InitialVelocity",
    "Integral",
    "IntegralEquation",
    "Measured",
    "Neumann",
    "Parameter",
    "Part",
    "Periodic",
    "Points",
    "Polygon",
    "Problem",
    "Product",
    "Region",
    "Residual",
    "Residuals",
    "Robin",
    "Table",
    "Trained",
    "Union",
    "of_output",
]
