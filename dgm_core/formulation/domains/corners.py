"""Corners at which the boundary turns inwards, and where gradients are infinite."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STRAIGHT = 1e-6
"""Radians beyond π up to which two edges count as one."""


@dataclass(frozen=True)
class Corner:
    """A vertex (x, y) of an interior angle above π, in radians, and the unit vector that halves it."""

    place: tuple[float, float]
    angle: float
    middle: tuple[float, float]


def reentrant(vertices: Sequence[tuple[float, float]]) -> tuple[Corner, ...]:
    """Those of a polygon whose vertices go around it against the clock."""
    found = []
    for i, place in enumerate(vertices):
        before, after = vertices[i - 1], vertices[(i + 1) % len(vertices)]
        onwards = math.atan2(after[1] - place[1], after[0] - place[0])
        back = math.atan2(before[1] - place[1], before[0] - place[0])
        angle = (back - onwards) % (2.0 * math.pi)
        if angle > math.pi + _STRAIGHT:
            half = onwards + 0.5 * angle
            found.append(Corner(place, angle, (math.cos(half), math.sin(half))))
    return tuple(found)
