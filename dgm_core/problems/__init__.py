"""What is solved: one equation a file, found by its registered name."""

from dgm_core.problems.base import PROBLEMS, Axis, Points, Problem, Region, Residuals, load_problem

__all__ = ["PROBLEMS", "Axis", "Points", "Problem", "Region", "Residuals", "load_problem"]
