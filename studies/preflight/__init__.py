"""What can be known to go wrong before anything is trained: what, why it matters, what to do."""

from studies.preflight.finding import Check, Finding, Level
from studies.preflight.question import Question, derivative_orders, orders_by_output
from studies.preflight.run import CHECKS, examine, refuse

__all__ = [
    "CHECKS",
    "Check",
    "Finding",
    "Level",
    "Question",
    "derivative_orders",
    "examine",
    "orders_by_output",
    "refuse",
]
