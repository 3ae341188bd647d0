"""Numbers as a page's data hold them."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd


def plain_number(value: Any) -> float | int | None:
    """A number to six digits; None, JSON's null, where there is none that is finite."""
    if pd.isna(value) or not math.isfinite(value):
        return None
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else float(f"{value:.6g}")
