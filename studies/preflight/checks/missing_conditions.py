"""Conditions that are missing: the equation with the others has many solutions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from dgm_core import Problem
from dgm_core.calculus import TIME
from dgm_core.errors import counted, listed
from dgm_core.formulation import Box
from dgm_core.formulation.conditions import OfOutput
from dgm_core.formulation.determination import LOW_DEGREES, UNNOTICED, Determination, determination
from studies.preflight.covered import Covered, covered
from studies.preflight.finding import Check, Level
from studies.preflight.question import Question

_DETERMINED = 0.1
"""How strongly the terms notice any smooth field where a face may go without a condition: one where the
coefficients vanish (see `Determination`)."""
_BARELY = 1e-6
"""Likewise, where data inside the domain may stand in for a condition, or nothing has to be prescribed."""
_SHOWN = 4
"""Parts that a sentence names."""
_INTENDED = "`well_posed = False` in the class says that this is intended."
_MANY = "the equation has many solutions, and the loss cannot tell them apart."

Said = tuple[Level, str, str, str]


class _Look:
    """A problem and its conditions; what is costly is computed once, and only if it is asked for."""

    def __init__(self, question: Question) -> None:
        self.problem: Problem = question.base.problem
        self.orders = question.orders_by_output

    @cached_property
    def covered(self) -> Covered:
        return covered(self.problem)

    @cached_property
    def least(self) -> float:
        """How strongly the terms notice the smooth field that they notice least; 0 where nobody knows."""
        known = determination(self.problem)
        return 0.0 if known is None else known.field

    def order(self, axis: str, least: int = 1) -> int:
        """The derivatives along an axis, of all outputs that have as many as `least`."""
        orders = [order for (_, name), order in self.orders.items() if name == axis]
        return sum(order for order in orders if order >= least)


def _examine(question: Question) -> Iterator[Said]:
    look = _Look(question)
    if not look.problem.well_posed:
        return
    told = False
    if look.orders:
        for said in (*_in_time(look), *_in_space(look)):
            told = True
            yield said
    if not told:
        known = determination(look.problem, degrees=LOW_DEGREES)
        if known is not None and known.field < UNNOTICED:
            yield _unnoticed(look.problem, known)


def _in_time(look: _Look) -> Iterator[Said]:
    needed = look.order(TIME)
    if not needed or TIME in look.problem.periodic or look.covered.at_instants >= needed:
        return
    if look.covered.elsewhere and look.least > _BARELY:
        return  # data inside determine the solution
    have = look.covered.at_instants
    first = '"start": (self.domain.initial, Dirichlet(…))'
    if not have:
        yield (
            "warning",
            f"No condition of {look.problem.name} holds at an instant, though its equation has derivatives "
            "in time.",
            f"Without initial values {_MANY}",
            f"Add them, such as {first}; {_INTENDED}",
        )
        return
    lacking = '"rate": (self.domain.initial, InitialVelocity(…))'
    of_second = any(order >= 2 for (_, axis), order in look.orders.items() if axis == TIME)
    yield (
        "warning",
        f"The equation of {look.problem.name} has {counted(needed, 'derivative')} in time, counting each "
        f"output's highest, and {counted(have, 'condition')} at instants.",
        f"Without values {'and velocities ' if of_second else ''}at the start {_MANY}",
        f"Add them, such as {lacking if of_second else first}; {_INTENDED}",
    )


def _in_space(look: _Look) -> Iterator[Said]:
    axes = [axis for axis in look.problem.inputs if axis.in_space]
    if isinstance(look.problem.domain, Box):
        for axis in axes:
            if axis.name not in look.problem.periodic:
                ends = [f"{axis.name}_min", f"{axis.name}_max"]
                yield from _at_ends(look, axis.name, ends)
        return
    each = max((look.order(axis.name, least=2) for axis in axes), default=0) // 2
    have = look.covered.by_part
    if sum(have.values()) < each * len(have) and not (look.covered.elsewhere and look.least > _BARELY):
        yield from _lacking(
            look, list(have), f"{counted(2 * each, 'derivative')} along an axis of space", each
        )


def _at_ends(look: _Look, axis: str, ends: list[str]) -> Iterator[Said]:
    needed, have = look.order(axis, least=2), sum(look.covered.by_part[end] for end in ends)
    if have < needed:
        enough = _BARELY if look.covered.elsewhere else _DETERMINED
        if look.least < enough:
            yield from _lacking(look, ends, f"{counted(needed, 'derivative')} along {axis}", needed // 2)
    elif look.order(axis) and not have and look.least < _BARELY:
        # Of first order, what is carried out of the domain needs none.
        yield from _lacking(look, ends, f"a derivative along {axis}", 1)


def _lacking(look: _Look, parts: list[str], order: str, each: int) -> Iterator[Said]:
    have = {part: look.covered.by_part[part] for part in parts}
    empty = [repr(part) for part in parts if not have[part]]
    if empty:
        shown = listed(empty) if len(empty) <= _SHOWN else f"{empty[0]} and {len(empty) - 1} others"
        yield (
            "warning",
            f"No condition has points on the {'part' if len(empty) == 1 else 'parts'} {shown} of the "
            f"domain's boundary, though the equation of {look.problem.name} has {order}.",
            f"Without one more condition {_MANY}",
            f"Add one on domain.parts[{empty[0]}], or check where the others lie; {_INTENDED}",
        )
    else:
        yield (
            "warning",
            f"The equation of {look.problem.name} has {order}, counting each output's highest, and "
            f"{counted(sum(have.values()), 'condition')} on {listed(parts)}.",
            f"Without one more condition {_MANY}",
            f"Give each of these parts {counted(each, 'condition')}, or as many in all"
            f"{_of_one_output(look.problem)}; {_INTENDED}",
        )


def _of_one_output(problem: Problem) -> str:
    """A word on conditions that are about one output of several, as those on a flux are."""
    kinds = [
        type(held).__name__
        for _, held in problem.resolved_conditions.values()
        if isinstance(held, OfOutput) and held.column is not None
    ]
    if not kinds or len(problem.outputs) == 1:
        return ""
    first, *others = problem.outputs
    return f" ({kinds[0]} is about one output: {first!r}, unless it says output={others[0]!r})"


def _unnoticed(problem: Problem, known: Determination) -> Said:
    if known.shifts:
        each = listed(known.shifts)
        return (
            "warning",
            f"{each} of {problem.name} {'is' if len(known.shifts) == 1 else 'are'} determined only up to a "
            "constant: no term notices one that is added.",
            "Each training ends at another constant, and an error is counted against one of them.",
            f"Prescribe the value at a point, or the mean by an `Integral`; {_INTENDED}",
        )
    return (
        "warning",
        f"Equation and conditions of {problem.name} do not determine {listed(known.outputs)}: a smooth "
        "field can be added that no term notices.",
        "Each training ends at another solution, and an error is counted against one of them.",
        f"Add what is missing: a condition, an equation or data; {_INTENDED}",
    )


MISSING_CONDITIONS = Check(
    "missing-conditions", "conditions without which there are many solutions", _examine
)
