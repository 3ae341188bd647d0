"""What a run's score is called: an error where there is a reference, a residual where there is none.

The tables, figures and sentences are made of the run's score, whichever it is, under the name of the
commonest; here, on their way out, they get its own.
"""

from __future__ import annotations

import re

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.text import Text

from studies.records import LABELS

COMMON = "mae"
RESIDUAL = "residual"

_ERRORS = ("rel_l2", "max_error", "mae_batch_statistics")
"""Columns of errors, of which a run without a reference has none."""
_ENDS = ("", "_low", "_high")


def worded(text: str, metric: str) -> str:
    """A sentence, title or heading with the score's own name; without a reference nothing is an error."""
    if metric == COMMON:
        return text
    text = text.replace("MAE", LABELS[metric])
    if metric != RESIDUAL:
        return text
    text = re.sub(r"\berror", "residual", text)
    return re.sub(r"\bError", "Residual", text)


def relabelled(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A table whose columns carry the score's own name."""
    if metric == COMMON:
        return table
    gone = [name for name in table if name == metric or (metric == RESIDUAL and name in _ERRORS)]
    return table.drop(columns=gone).rename(columns={f"{COMMON}{end}": f"{metric}{end}" for end in _ENDS})


def heading(name: str, usual: dict[str, str], *, spread: bool) -> str:
    """A column's heading: of a score with its interval, that of the commonest in other words."""
    if spread and name in LABELS and name != COMMON:
        return worded(usual[COMMON], name)
    return usual.get(name, name.replace("_", " "))


def reword(figure: Figure, metric: str) -> Figure:
    """Rewords every text of a figure."""
    if metric != COMMON:
        for text in figure.findobj(Text):
            text.set_text(worded(text.get_text(), metric))
    return figure
