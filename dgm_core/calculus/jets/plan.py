"""Which streams are carried for what is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isclose, isfinite, sqrt

from dgm_core.calculus.jets.streams import Operator, Stream, Streams
from dgm_core.calculus.jets.tracing import Terms, Trace


@dataclass(frozen=True)
class Plan:
    """The streams that serve what residuals ask of a set of points.

    Where residuals look at some derivatives in one combination only, and that leaves fewer streams to be
    carried, an operator stands for the combination: one of its addends is given as all of it, and the others
    as zero.

    instead: as what a stream is given, (carried stream, factor).
    """

    streams: Streams
    wanted: frozenset[Stream]
    instead: Mapping[Stream, tuple[Stream, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, trace: Trace, *, fold: bool = True) -> Plan:
        """The plan with the fewest streams; with fold=False that of the streams by themselves."""
        best = cls._with(trace.asked)
        if not fold:
            return best
        for terms in map(_signed, sorted(trace.looks, key=_ordered)):
            operator, summed = operator_of(terms), {stream for stream, _ in terms}
            touching = [look for look in trace.looks if summed & {stream for stream, _ in look}]
            others = trace.asked - summed
            if (
                operator is None
                or any(multiple(look, terms) is None for look in touching)
                or any(isinstance(stream, Operator) for stream in others)
            ):
                continue
            # The largest factor is the one to divide by.
            all_of_it, number = max(sorted(terms, key=repr), key=lambda term: abs(term[1]))
            instead = {stream: (operator, 1.0 / number if stream == all_of_it else 0.0) for stream in summed}
            folded = cls._with({*others, operator}, instead)
            if len(folded.streams) < len(best.streams):
                best = folded
        return best

    @classmethod
    def _with(
        cls, wanted: Iterable[Stream], instead: Mapping[Stream, tuple[Stream, float]] | None = None
    ) -> Plan:
        return cls(Streams.of(sorted(wanted, key=repr)), frozenset(wanted), instead or {})

    @property
    def folds(self) -> bool:
        """Whether an operator stands for a combination."""
        return bool(self.instead)

    @property
    def sums(self) -> bool:
        """Whether a Laplacian, or another sum of several second derivatives, is carried as one."""
        operators = [operator for operator in self.wanted if isinstance(operator, Operator)]
        return any(len(operator.squares) > 1 or not self.folds for operator in operators)

    def served(self, stream: Stream) -> tuple[Stream, float]:
        """(carried stream, factor) as which a stream is given."""
        if stream in self.instead:
            return self.instead[stream]
        return stream, 1.0 if isinstance(stream, Operator) else 1.0 / self.streams.factor(stream)


def operator_of(terms: Terms) -> Operator | None:
    """The operator that a combination of several addends is; None where it is none."""
    squares: dict[int, float] = {}
    drift: list[tuple[int, float]] = []
    for stream, number in terms:
        if not isinstance(stream, Operator) and len(stream) == 1:
            drift.append((stream[0], number))
            continue
        directions = _squared(stream)
        if not directions:
            return None
        for i in directions:
            squares[i] = squares.get(i, 0.0) + number
    positive = all(number > 0.0 for number in squares.values())
    if len(terms) < 2 or not positive or not all(isfinite(number) and number for _, number in terms):
        return None
    return Operator(tuple((i, sqrt(number)) for i, number in sorted(squares.items())), tuple(sorted(drift)))


def multiple(terms: Terms, of: Terms) -> float | None:
    """How many times the one combination is the other; None where it is no multiple."""
    coefficients, other = dict(terms), dict(of)
    if not coefficients or coefficients.keys() != other.keys():
        return None
    first = next(iter(coefficients))
    factor = coefficients[first] / other[first]
    return (
        factor
        if all(isclose(coefficients[s], factor * other[s], rel_tol=1e-12) for s in coefficients)
        else None
    )


def _squared(stream: Stream) -> tuple[int, ...]:
    """The directions of whose second derivatives a stream is the sum."""
    if isinstance(stream, Operator):
        return stream.directions
    return stream[:1] if len(stream) == 2 and stream[0] == stream[1] else ()


def _signed(terms: Terms) -> Terms:
    """A combination, times −1 where its second derivatives are negative."""
    if any(number < 0.0 and _squared(stream) for stream, number in terms):
        return frozenset((stream, -number) for stream, number in terms)
    return terms


def _ordered(terms: Terms) -> list[str]:
    return sorted(map(repr, terms))
