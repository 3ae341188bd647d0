"""Whether what a problem says of itself has the form that it must have, before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType
from typing import Any, ClassVar, Protocol

from dgm_core.calculus import position_of
from dgm_core.errors import ConfigurationError, counted, unknown
from dgm_core.formulation.conditions import Condition, Dirichlet, Measured, OfOutput
from dgm_core.formulation.domains import Domain
from dgm_core.formulation.probing.declared import check_declared
from dgm_core.formulation.references import Table
from dgm_core.formulation.regions import Region

_INTERIOR = "interior"
_TOLD_APART = ("domain", "conditions")
"""Members of which more is said."""
_EXAMPLE = "(self.domain.boundary, Dirichlet())"


class Formed(Protocol):
    """What is read of a problem, of whatever type it is."""

    name: ClassVar[str]
    outputs: ClassVar[tuple[str, ...]]

    @property
    def domain(self) -> Domain: ...
    @property
    def conditions(self) -> Mapping[str, Any]: ...


def check_form(problem: Formed) -> None:
    """Refuses outputs that are no names, a domain that is none, values in the place of a method or a method
    in that of a property, declared values of a wrong kind, and conditions that are no mapping of a name to
    (where, what).  Raises ConfigurationError."""
    _check_outputs(problem)
    _check_domain(problem)
    _check_members(problem)
    check_declared(problem)
    conditions = _conditions(problem)
    if callable(conditions):
        raise ConfigurationError(
            f"`conditions` of {problem.name} is a method: write @property on the line above it."
        )
    if not isinstance(conditions, Mapping):
        raise ConfigurationError(
            f"`conditions` of {problem.name} must be a dictionary, such as {{'ends': {_EXAMPLE}}}: it is a "
            f"{type(conditions).__name__}."
        )
    for term, held in conditions.items():
        _check_condition(problem, term, held)
    _check_outputs_meant(problem, conditions)


def _check_outputs(problem: Formed) -> None:
    outputs: Any = problem.outputs
    if isinstance(outputs, str):
        raise ConfigurationError(
            f"outputs = {outputs!r} of {problem.name} is not allowed: it must be a tuple of names, "
            f"({outputs!r},)."
        )
    if not outputs or not all(isinstance(name, str) for name in outputs) or len(set(outputs)) < len(outputs):
        raise ConfigurationError(
            f"outputs = {outputs!r} of {problem.name} is not allowed: it must be a tuple of different names."
        )


def _check_domain(problem: Formed) -> None:
    domain: Any = problem.domain
    if isinstance(domain, Domain):
        return
    why = f"it is a {type(domain).__name__}"
    if isinstance(domain, tuple) and len(domain) == 1 and isinstance(domain[0], Domain):
        why = "the comma behind it makes a tuple of it"
    elif isinstance(domain, type):
        why = f"write {domain.__name__}(…)"
    elif callable(domain):
        why = "it is a method: write @property on the line above it"
    raise ConfigurationError(
        f"`domain` of {problem.name} must be a domain, such as Box(x=(0.0, 1.0)): {why}."
    )


def _check_members(problem: Formed) -> None:
    """Whether what a class overrides is of the kind that it was."""
    last: dict[str, Any] = {}
    for ancestor in type(problem).__mro__:
        for name, member in vars(ancestor).items():
            if name.startswith("_") or name in _TOLD_APART:
                continue
            given = last.setdefault(name, member)
            if isinstance(member, FunctionType) and not (callable(given) or hasattr(given, "__get__")):
                more = "; `start = (…)` takes the values themselves" if name == "initial_state" else ""
                raise ConfigurationError(
                    f"`{name}` of {problem.name} must be a method, def {name}(self, …): it is a "
                    f"{type(given).__name__}{more}; give what else you call so another name."
                )
            if isinstance(member, property) and isinstance(given, FunctionType):
                raise ConfigurationError(
                    f"`{name}` of {problem.name} is a method: write @property on the line above it."
                )


def _conditions(problem: Formed) -> Any:
    try:
        return problem.conditions
    except KeyError as error:
        (key,) = error.args or ("",)
        if isinstance(key, str) and key not in problem.domain.parts:
            raise unknown(f"part of the boundary of {problem.name}", key, problem.domain.parts) from error
        raise


def _check_table(problem: Formed, what: str, table: Any) -> None:
    """Whether the columns of measured points are the axes, in their order."""
    axes = [axis.name for axis in problem.domain.axes]
    if not isinstance(table, Table):
        raise ConfigurationError(
            f"{what} must have a table, as Table.read makes it: it is a {type(table).__name__}."
        )
    if table.points.shape[1] != len(axes):
        raise ConfigurationError(
            f"{what} has points of {counted(table.points.shape[1], 'column')}: they must be the axes "
            f"{', '.join(axes)}."
        )
    if set(table.names) == set(axes) and list(table.names) != axes:
        raise ConfigurationError(
            f"{what} has points of the columns {', '.join(table.names)}: they must be in the order of the "
            f"axes, {', '.join(axes)}."
        )


def _check_condition(problem: Formed, term: Any, held: Any) -> None:
    if not isinstance(term, str):
        raise ConfigurationError(f"the condition {term!r} of {problem.name} must have a name, a text.")
    if term == _INTERIOR:
        raise ConfigurationError(
            f"a condition named {_INTERIOR!r} is not allowed in {problem.name}: the equation's own term has "
            "that name."
        )
    what = f"the condition {term!r} of {problem.name}"
    if isinstance(held, Measured):
        _check_table(problem, what, held.table)
        return
    if not isinstance(held, tuple) or len(held) != 2:
        raise ConfigurationError(f"{what} must be a pair of a region and a condition, such as {_EXAMPLE}.")
    region, condition = held
    if isinstance(condition, Measured):
        raise ConfigurationError(f"{what} has a region too many: measured data bring their own points.")
    if isinstance(region, Condition) and isinstance(condition, Region):
        raise ConfigurationError(f"{what} has the condition before the region: write {_EXAMPLE}.")
    if not isinstance(region, Region):
        raise ConfigurationError(
            f"{what} must begin with a region, such as self.domain.boundary: it is a {type(region).__name__}."
        )
    if not isinstance(condition, Condition):
        hint = f"write {condition.__name__}(…)" if isinstance(condition, type) else "`Holds` takes any law"
        raise ConfigurationError(
            f"{what} must end with a condition, such as Dirichlet(): it is a {type(condition).__name__}; "
            f"{hint}."
        )


def _check_outputs_meant(problem: Formed, conditions: Mapping[str, Any]) -> None:
    """Refuses a condition on derivatives of all outputs, where others on the same region name some of them.

    It is likely meant for one, and would prescribe too much of those.
    """
    on_outputs = {
        term: held
        for term, held in conditions.items()
        if isinstance(held, tuple) and isinstance(held[1], OfOutput)
    }
    for term, (region, condition) in on_outputs.items():
        if condition.output is not None or isinstance(condition, Dirichlet):
            continue
        named = {
            position_of(other.output, problem.outputs, len(problem.outputs)): name
            for name, (where, other) in on_outputs.items()
            if other.output is not None and where == region
        }
        if 0 < len(named) < len(problem.outputs):
            first = min(named)
            raise ConfigurationError(
                f"the condition {term!r} of {problem.name} names no output, and so holds for each of "
                f"{', '.join(problem.outputs)}, where {named[first]!r} on the same region prescribes "
                f"{problem.outputs[first]}: write {type(condition).__name__}(…, output=…) for each output "
                "that is meant."
            )
