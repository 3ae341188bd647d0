"""An activation whose derivatives of the equation's order are zero almost everywhere."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from dgm_core.calculus.automatic import gradient
from dgm_core.networks import ACTIVATIONS
from studies.preflight.finding import Check, Level
from studies.preflight.question import Question


def smooth_to(activation: str) -> int:
    """The highest derivative of an activation that is not zero almost everywhere, 4 where it has more."""
    x = torch.linspace(-3.0, 3.0, 61, dtype=torch.float64).add(0.013).requires_grad_()
    y = ACTIVATIONS[activation].function(x)
    for order in range(5):
        if not bool((y != 0).any()):
            return order - 1
        y = gradient(y, x)
    return 4


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    order = max(question.orders.values(), default=0)
    if order < 2:
        return
    checked: set[str] = set()
    for label, setup in question.setups.items():
        activation = setup.config.activation
        if activation in checked or smooth_to(activation) >= order:
            continue
        checked.add(activation)
        yield (
            "warning",
            f"With {label} the activation {activation!r} has no derivative of order {order} but zero.",
            "A network of it cannot represent the equation's highest derivative: the loss may fall to zero "
            "on a field that solves nothing.",
            "Take a smooth activation (tanh, sin, silu); leave this one in only to show what it does.",
        )


VANISHING_DERIVATIVES = Check(
    "vanishing-derivatives", "an activation too rough for the equation's derivatives", _examine
)
