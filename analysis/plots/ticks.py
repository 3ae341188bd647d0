"""Ticks whose labels are true: every position is a short decimal number, and its label states all of it.

The locator chooses decimal numbers (`Decimal`, so that nothing is rounded on the way) and, among the sets
that have two or more in view, the first whose labels fit beside each other.  The formatter writes the number
that it is given to twelve significant digits and drops zeros only: a tick put anywhere else shows a longer
label, never a wrong one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axis import Axis, XAxis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, Formatter, Locator, LogLocator, NullFormatter, NullLocator

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_DIGITS = 12
"""Significant ones: fewer than a float has, so that 0.1 + 0.2 is 0.3."""
_PLAIN = (1e-3, 1e5)
"""Numbers that are written without a power of ten."""
_LETTER, _LINE = 0.62, 1.25
"""A digit's width and a line's height, in units of the font's size."""
_GAP = 4.0
"""Between two labels, in points."""
_ENOUGH = 3
"""Ticks that an axis should have where they fit; two are the least."""


def text(x: float, *, power: bool = False) -> str:
    """A number in full: "0.045", or as a power of ten "4.5×10⁻²"; parses back to x to 12 digits."""
    if x == 0:
        return "0"
    sign = "−" if x < 0 else ""
    mantissa, exponent = f"{abs(x):.{_DIGITS - 1}e}".split("e")
    digits = mantissa.rstrip("0").rstrip(".")
    if power:
        ten = "10" + str(int(exponent)).translate(SUPERSCRIPTS)
        return sign + (ten if digits == "1" else f"{digits}×{ten}")
    return f"{sign}{Decimal(digits).scaleb(int(exponent)):f}"


def value(label: str) -> float:
    """The number that a label of `text` states."""
    back = {symbol: digit for digit, symbol in zip("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True)}
    mantissa, _, exponent = label.replace("−", "-").rpartition("10") if _is_power(label) else (label, "", "")
    if not exponent:
        return float(label.replace("−", "-"))
    number = mantissa.rstrip("×") or "1"
    return float(f"{number if number != '-' else '-1'}e{''.join(back[letter] for letter in exponent)}")


def _is_power(label: str) -> bool:
    return label[-1:] in "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"


class NumberLabels(Formatter):
    """Labels of numbers: all of an axis with a power of ten, or none."""

    power = False

    def __call__(self, x: float, pos: int | None = None) -> str:
        return text(x, power=self.power)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """The labels of all ticks of an axis."""
        self.power = not _fits_plainly(values)
        return [self(x) for x in values]


class Names(Formatter):
    """Labels of an axis that counts places, 0, 1, 2 …, each with a name."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)

    def __call__(self, x: float, pos: int | None = None) -> str:
        place = round(x)
        return self.names[place] if place == x and 0 <= place < len(self.names) else ""


class _OnAxis(Locator):
    """A locator that looks at the axis which it serves."""

    @property
    def _axis(self) -> Axis:
        if not isinstance(self.axis, Axis):
            raise TypeError("the labels of ticks take room on an axis: the locator has none yet")
        return self.axis


class _Fitting(_OnAxis):
    """The first set of ticks whose labels fit on the axis as it is; at least two where there is any room."""

    def __call__(self) -> list[float]:
        low, high = sorted(self._axis.get_view_interval())
        return self.tick_values(low, high)

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """The ticks between two ends."""
        if not (math.isfinite(vmin) and math.isfinite(vmax) and vmin < vmax):
            return []
        fewer: list[float] = []
        for ticks in self._sets(vmin, vmax):
            if len(ticks) < 2 or not fits(self._axis, ticks):
                continue
            if len(ticks) >= _ENOUGH:
                return ticks
            fewer = fewer or ticks
        return fewer

    def _sets(self, low: float, high: float) -> Iterator[list[float]]:
        """Sets of ticks, the ones to prefer first."""
        raise NotImplementedError


class LinearTicks(_Fitting):
    """Multiples of 1, 2 or 5 times a power of ten; the most that fit, some eight at most."""

    def __init__(self, *, integer: bool = False) -> None:
        self.integer = integer

    def _sets(self, low: float, high: float) -> Iterator[list[float]]:
        return _multiples(low, high, integer=self.integer)


class Logarithmic(_Fitting):
    """Powers of ten; where fewer than three are in view also 2 and 5 times them, or what lies between."""

    def _sets(self, low: float, high: float) -> Iterator[list[float]]:
        if low <= 0:
            return
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        for stride in (1, 2, 3, 5, 10, 20, 50):
            yield _within(
                low, high, (Decimal(1).scaleb(k) for k in range(first, last + 1) if k % stride == 0)
            )
        for digits in ((1, 2, 5), (1, 3), tuple(range(1, 10))):
            every = (Decimal(digit).scaleb(k) for k in range(first, last + 1) for digit in digits)
            yield _within(low, high, every)
        yield from _multiples(low, high)


def _multiples(low: float, high: float, *, integer: bool = False) -> Iterator[list[float]]:
    """Multiples of ever coarser steps in a range."""
    exponent = math.floor(math.log10((high - low) / 8))
    for power in range(exponent, exponent + 3):
        for digit in (1, 2, 5):
            step = Decimal(digit).scaleb(power)
            if (integer and step < 1) or (high - low) / float(step) > 8:
                continue
            ends = math.ceil(low / float(step) - 1e-9), math.floor(high / float(step) + 1e-9)
            yield _within(low, high, (k * step for k in range(ends[0], ends[1] + 1)))


def _within(low: float, high: float, numbers: Iterable[Decimal]) -> list[float]:
    # Of the range, or of an end that is nearer to zero: on a logarithmic axis that may be far shorter.
    slack = 1e-9 * (min(high - low, low) if low > 0 else high - low)
    return [x for x in map(float, numbers) if low - slack <= x <= high + slack]


def _fits_plainly(values: Sequence[float]) -> bool:
    sizes = [abs(x) for x in values if x]
    if not sizes:
        return True
    return _PLAIN[0] <= max(sizes) < _PLAIN[1] and (
        min(sizes) >= _PLAIN[0] or max(len(text(x)) for x in sizes) <= 6
    )


def labels(values: Sequence[float]) -> list[str]:
    """What an axis says at its ticks."""
    return NumberLabels().format_ticks(values)


def fits(axis: Axis, values: Sequence[float], names: Sequence[str] | None = None) -> bool:
    """Whether the labels of ticks stand clear of each other on the axis as wide as it is."""
    shown = labels(values) if names is None else names
    size = float(axis.get_tick_params(which="major").get("labelsize", 0) or _size(axis))
    low, high = axis.get_transform().transform(np.array(axis.get_view_interval(), float))
    place = (axis.get_transform().transform(np.array(values, float)) - low) / (high - low)
    box = axis.axes.bbox
    across = isinstance(axis, XAxis)
    points = (box.width if across else box.height) * 72.0 / axis.axes.figure.dpi
    if across:
        half = np.array([0.5 * _LETTER * size * max(map(len, name.split("\n"))) for name in shown])
    else:
        half = np.array([0.5 * _LINE * size * (name.count("\n") + 1) for name in shown])
    order = np.argsort(place)
    apart = np.diff(place[order]) * points
    return bool((apart >= half[order][:-1] + half[order][1:] + (_GAP if across else 0.0)).all())


def _size(axis: Axis) -> float:
    size = mpl.rcParams["xtick.labelsize" if isinstance(axis, XAxis) else "ytick.labelsize"]
    return float(size) if isinstance(size, int | float) else 8.0


class _Levels(_OnAxis):
    """Given positions, every second or third … where not all labels fit; the ends of a pair stay."""

    def __init__(self, levels: Sequence[float]) -> None:
        self._levels = sorted(levels)

    def __call__(self) -> list[float]:
        return self.tick_values(*self._axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """The levels, as many as fit."""
        every = self._levels
        sets = [every[::stride] for stride in range(1, max(2, len(every)))]
        return next(
            (levels for levels in sets if len(levels) < 2 or fits(self._axis, levels)), [every[0], every[-1]]
        )


def integers(axis: Axis) -> None:
    """Whole numbers only."""
    axis.set_major_locator(LinearTicks(integer=True))
    axis.set_major_formatter(NumberLabels())


def levels(axis: Axis, values: Sequence[float]) -> None:
    """Ticks at given numbers, as many as fit; the scale must have been set before."""
    axis.set_major_locator(_Levels(values))
    axis.set_major_formatter(NumberLabels())
    axis.set_minor_locator(NullLocator())


def names(axis: Axis, shown: Sequence[str], **look: Any) -> None:
    """A name at each of the places 0, 1, 2 …"""
    axis.set_major_locator(FixedLocator(range(len(shown))))
    axis.set_major_formatter(Names(shown))
    axis.set_minor_locator(NullLocator())
    if look:
        axis.set_tick_params(which="major", **look)


def settle(made: Figure) -> None:
    """Gives every numeric axis of a figure, those of colour bars and insets too, true ticks."""
    every = [drawn for axes in made.axes for drawn in (axes, *axes.child_axes)]
    for axis in (axis for axes in every for axis in (axes.xaxis, axes.yaxis)):
        _open(axis)
        locator, formatter = axis.get_major_locator(), axis.get_major_formatter()
        if isinstance(formatter, NumberLabels | Names) or _bare(locator):
            continue
        logarithmic = axis.get_scale() == "log"
        axis.set_major_locator(Logarithmic() if logarithmic else LinearTicks())
        axis.set_major_formatter(NumberLabels())
        axis.set_minor_formatter(NullFormatter())
        low, high = sorted(axis.get_view_interval())
        few = logarithmic and low > 0 and high / low <= 1e4  # else a grey fringe, and slow
        axis.set_minor_locator(LogLocator(subs=tuple(range(2, 10))) if few else NullLocator())


_LEAST = 1e-6
"""Of the values' size: a range that is smaller has no numbers in it that a label could tell apart."""


def _open(axis: Axis) -> None:
    """Widens an axis on which two labels could not be told apart, as where all values are one."""
    if isinstance(axis.get_major_formatter(), Names) or _bare(axis.get_major_locator()):
        return
    low, high = sorted(map(float, axis.get_view_interval()))
    locator = axis.get_major_locator()
    if isinstance(locator, LinearTicks) and locator.integer and math.floor(high) - math.ceil(low) < 1:
        _view(axis, math.floor(low) - 0.5, math.ceil(high) + 0.5)
    elif high - low < _LEAST * max(abs(low), abs(high)):
        wide = axis.get_scale() == "log" and low > 0
        _view(axis, *((low / 2, high * 2) if wide else (low - 0.5 * abs(low), high + 0.5 * abs(high))))


def _view(axis: Axis, low: float, high: float) -> None:
    if isinstance(axis, XAxis):
        axis.axes.set_xlim(low, high)
    else:
        axis.axes.set_ylim(low, high)


def _bare(locator: Locator) -> bool:
    """Whether an axis has no ticks on purpose."""
    return isinstance(locator, NullLocator) or (isinstance(locator, FixedLocator) and not len(locator()))
