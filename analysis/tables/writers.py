"""A table as CSV (full precision), Markdown and LaTeX (rounded)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.arms import level_name
from analysis.tables import rounding
from studies.records import LABELS, replacing

HEADERS = {
    "score": "median {metric} [interval]",
    "iqm": "IQM of {metric} [95 %]",
    "mae": "MAE",
    "ratio": "ratio to baseline [interval]",
    "improvement": "P(better than baseline) [95 %]",
    "divergence": "divergence rate [95 %]",
    "blown_up": "blown up",
    "rho": "Spearman's ρ [95 %]",
    "first_loss": "loss at first",
    "last_loss": "loss at last",
    "first_score": "{metric} at first",
    "last_score": "{metric} at last",
    "rung_rho": "ρ of rung and final score [95 %]",
    "step": "ratio to the step before [interval]",
    "to_winner": "ratio to the winner [interval]",
    "best_of_these": "P(best of these)",
    "importance": "importance [95 %]",
    "variance": "alone, of the variance (fANOVA) [95 %]",
    "lower": "twice the winner's below [95 %]",
    "upper": "twice the winner's above [95 %]",
    "kept": "less than twice",
    "doubling": "more than twice",
    "unknown": "cannot be told",
    "shrinkage": "confirmed / selected",
    "p": "p",
    "p_holm": "p (Holm)",
    "p_exact": "p (signed rank)",
    "p_exact_holm": "p (signed rank, Holm)",
    "coverage": "interval covers",
    "seconds": "time (s)",
    "iterations_per_second": "iterations per second",
    "memory_mib": "memory (MiB)",
    "evaluation_share": "share of time in evaluation",
    "best": "best {metric}",
    "rel_l2": "relative L² error",
    "max_error": "maximum error",
    "mae_batch_statistics": "MAE with batch statistics [interval]",
    "iterations_asked": "iterations asked",
    "learning_rate_use": "learning rates",
    "stopped_share": "share stopped [95 %]",
}

_FOR_THE_RECORD = ("metric", "max_error", "baseline", "p_exact_holm", "pairs", "parameters", "below", "above")
_IF_ANY = ("blown_up", "failed", "interrupted", "without_cutoff")
"""Columns that only the CSV holds, and those it alone holds while they are zero throughout."""

_DIGITS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "∞": r"$\infty$",
    "–": "--",
    "ρ": r"$\rho$",
    "²": r"\textsuperscript{2}",
    "×": r"$\times$",
}


def present(table: pd.DataFrame) -> pd.DataFrame:
    """The table as text: a column with its `_low` and `_high` becomes one, rounded to what they support.

    Headings carry the name of the score's metric, from the column `metric`; the error of that name is left
    out beside it.  So are columns in which nothing is known, and those that only a check needs.
    """
    named = list(table["metric"].dropna().unique()) if "metric" in table else []
    metric = str(named[0]) if len(named) == 1 else ""
    shown = {}
    for name in table:
        base = str(name).removesuffix("_low").removesuffix("_high")
        if base != name and base in table and f"{base}_low" in table:
            continue
        if name in _FOR_THE_RECORD or (name == "p" and "p_holm" in table):
            continue
        if name == metric and "score" in table:
            continue
        if name in _IF_ANY and not table[name].any():
            continue
        if f"{name}_low" in table:
            ends = zip(table[name], table[f"{name}_low"], table[f"{name}_high"], strict=True)
            cells = [rounding.interval(*map(_float, three)) for three in ends]
        else:
            cells = [_cell(str(name), value) for value in table[name]]
        if any(cell != rounding.ABSENT for cell in cells) or not len(table):
            title = _heading(str(name), LABELS.get(metric, "score"), spread=f"{name}_low" in table)
            shown[title] = cells
    return pd.DataFrame(shown, index=range(len(table)), dtype=object)


def _heading(name: str, score: str, *, spread: bool) -> str:
    if name not in HEADERS:
        return name.replace("_", " ")
    title = HEADERS[name].format(metric=score)
    return title if spread else title.split(" [")[0]


def markdown(table: pd.DataFrame) -> str:
    """The table in GitHub's Markdown, rounded."""
    text = present(table)
    head = [_markdown(str(name)) for name in text]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(map(_markdown, row)) + " |" for row in text.itertuples(index=False)]
    return "\n".join(lines) + "\n"


def latex(table: pd.DataFrame) -> str:
    """The table as a LaTeX tabular with booktabs rules, rounded and escaped."""
    text = present(table)
    align = "l" + "r" * (text.shape[1] - 1)
    lines = [f"\\begin{{tabular}}{{{align}}}", "\\toprule"]
    lines += [" & ".join(latex_text(str(name)) for name in text) + r" \\", "\\midrule"]
    lines += [" & ".join(map(latex_text, row)) + r" \\" for row in text.itertuples(index=False)]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def write(folder: Path, name: str, table: pd.DataFrame) -> list[Path]:
    """Writes name.csv, name.md and name.tex into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.{suffix}" for suffix in ("csv", "md", "tex")]
    texts = [table.to_csv(index=False, lineterminator="\n"), markdown(table), latex(table)]
    for path, content in zip(paths, texts, strict=True):
        with replacing(path) as file:
            file.write(content.encode())
    return paths


def _float(value: Any) -> float:
    return float("nan") if pd.isna(value) else float(value)


def _cell(name: str, value: Any) -> str:
    if isinstance(value, list | tuple | dict | bool | np.bool_):
        return level_name(value)
    if value is None or pd.isna(value):
        return rounding.ABSENT
    if name == "p" or name.startswith("p_"):
        return rounding.probability(float(value))
    if name == "best_of_these":
        return chance(float(value))
    if name == "coverage":
        return f"{100 * float(value):.1f} %"
    if isinstance(value, float) and not (value.is_integer() and abs(value) < 1e6):
        return rounding.plain(value)
    return f"{value:.0f}" if isinstance(value, float) else str(value)


def chance(value: float) -> str:
    """A probability that a model of few seeds gives: never for sure."""
    return "above 0.99" if value > 0.99 else "below 0.01" if value < 0.01 else f"{value:.2f}"


def _markdown(text: str) -> str:
    return re.sub(r"([\\|*`<])", r"\\\1", text).replace("\n", " ")


def latex_text(text: str) -> str:
    """A text as LaTeX: escaped, powers of ten in mathematics."""
    text = re.sub(r" × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda m: f"e{m[1].translate(_DIGITS)}", text)
    escaped = "".join(_ESCAPES.get(letter, letter) for letter in text.replace("\n", " "))
    escaped = re.sub(r"(?<![\w.])(\d+(?:\.\d+)?)e(-?\d+)\b", r"$\1\\times10^{\2}$", escaped)
    return re.sub(r"\]e(-?\d+)$", r"] $\\times10^{\1}$", escaped)
