"""Numbers as a reader wants them: no more digits than their interval supports."""

from __future__ import annotations

import math

LEVEL = 0.05
"""Of tests: below it two errors are called distinguishable."""
_MOST = 13
"""Digits."""
INFINITE = "∞"
ABSENT = "–"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = 3) -> str:
    """A number to `digits` significant digits; powers of ten outside 0.001 to 100 000."""
    if value is None or math.isnan(value):
        return ABSENT
    if math.isinf(value):
        return INFINITE if value > 0 else f"-{INFINITE}"
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    exponent = math.floor(math.log10(abs(rounded)))
    if exponent < -3 or exponent >= 5:
        mantissa, power = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa}e{int(power)}"
    return f"{rounded:.{max(digits - 1 - exponent, 0)}f}"


def plain(value: float) -> str:
    """A setting or a count: at most three significant digits, no trailing zeros."""
    text = number(value)
    if "e" in text:
        mantissa, power = text.split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{power}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def interval(point: float, low: float, high: float) -> str:
    """A point with its interval, "0.0123 [0.0117, 0.0131]" or "1.23 [1.17, 1.31] × 10⁻⁴".

    All three are rounded to the decimal place of the second significant digit of the interval's half width.
    Where that would leave nothing of one of them, each has two significant digits of its own, or as many as
    tell the two ends apart.
    """
    if math.isnan(low) and math.isnan(high):
        return number(point, 2)
    three = (point, low, high)
    half = (high - low) / 2
    finite = [abs(value) for value in three if math.isfinite(value) and value != 0]
    if math.isfinite(half) and half > 0 and finite and max(finite) / min(finite) < 1000:
        exponent = math.floor(math.log10(abs(point))) if point else 0
        power = 0 if -2 <= exponent < 4 else exponent
        decimals = power - math.floor(math.log10(half)) + 1
        smallest = min(finite) / 10.0**power
        if round(smallest, decimals) > 0 and decimals <= 4:
            shown = [_rounded(value / 10.0**power, decimals) for value in three]
            scale = f" × 10{str(power).translate(_SUPERSCRIPTS)}" if power else ""
            return f"{shown[0]} [{shown[1]}, {shown[2]}]{scale}"
    for digits in range(2, _MOST):
        shown = [number(value, digits) for value in three]
        if low == high or shown[1] != shown[2]:  # else the interval would look like a point
            break
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"


def probability(p: float) -> str:
    """A p-value, "0.031"; below a thousandth "< 0.001"."""
    if math.isnan(p):
        return ABSENT
    if p < 0.001:
        return "< 0.001"
    for digits in range(3, _MOST):
        shown = f"{p:.{digits}g}"
        if (float(shown) < LEVEL) == (p < LEVEL):  # what is said of it must follow from what is printed
            break
    return shown


def seconds(value: float) -> str:
    """A duration: "48 s", "3.2 min" or "1.4 h"."""
    if value is None or math.isnan(value):
        return ABSENT
    if value < 120:
        return f"{number(value, 2)} s"
    return f"{value / 60:.1f} min" if value < 7200 else f"{value / 3600:.1f} h"


def _rounded(value: float, decimals: int) -> str:
    return f"{round(value, decimals):.{max(decimals, 0)}f}"
