"""Which streams are carried for what is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from math import isclose, isfinite, sqrt

from dgm_core.calculus.jets.combinations import Terms
from dgm_core.calculus.jets.streams import Operator, Stream, Streams


@dataclass(frozen=True)
class Plan:
    """The streams that serve what is asked of a set of points, and the combination that one of them is.

    Where that leaves fewer streams to be carried, an operator stands for the combination `terms`, and for its
    multiples: then streams of its addends that nothing else asks for are not carried.
    """

    streams: Streams
    wanted: frozenset[Stream]
    operator: Operator | None = None
    terms: Terms = frozenset()

    @classmethod
    def of(cls, asked: Iterable[Terms]) -> Plan:
        """The plan with the fewest streams."""
        every = sorted(set(asked), key=_ordered)
        plain = cls._with(frozenset(stream for terms in every for stream, _ in terms))
        found = plain
        for terms in map(_signed, every):
            operator = operator_of(terms)
            if operator is None:
                continue
            others = {stream for own in every if multiple(own, terms) is None for stream, _ in own}
            if any(isinstance(stream, Operator) for stream in others):
                continue
            folded = cls._with(frozenset({*others, operator}), operator, terms)
            if len(folded.streams) < len(found.streams):
                found = folded
        return found

    @classmethod
    def _with(
        cls, wanted: frozenset[Stream], operator: Operator | None = None, terms: Terms = frozenset()
    ) -> Plan:
        return cls(Streams.of(sorted(wanted, key=repr)), wanted, operator, terms)

    def served(self, terms: Terms) -> list[tuple[Stream, float]]:
        """(stream, factor) of what is carried that add up to a combination."""
        factor = multiple(terms, self.terms)
        if factor is not None and self.operator is not None:
            return [(self.operator, factor)]
        return [
            (stream, number if isinstance(stream, Operator) else number / self.streams.factor(stream))
            for stream, number in sorted(terms, key=repr)
        ]


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
    own, other = dict(terms), dict(of)
    if not own or own.keys() != other.keys():
        return None
    first = next(iter(own))
    factor = own[first] / other[first]
    return factor if all(isclose(own[s], factor * other[s], rel_tol=1e-12) for s in own) else None


def sums(asked: Collection[Terms]) -> bool:
    """Whether a Laplacian is among what is asked."""
    return any(isinstance(stream, Operator) for terms in asked for stream, _ in terms)


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
