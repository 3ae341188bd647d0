"""Tables of a run, in full precision; `writers` rounds them for a reader."""

from analysis.tables.ablation import arms_table, budget_table, factor_table
from analysis.tables.runs import compare_table, correlation_table, polish_table
from analysis.tables.search import counts_table, decisions_table, summary_table, trials_table
from analysis.tables.writers import latex, markdown, present, write

__all__ = [
    "arms_table",
    "budget_table",
    "compare_table",
    "correlation_table",
    "counts_table",
    "decisions_table",
    "factor_table",
    "latex",
    "markdown",
    "polish_table",
    "present",
    "summary_table",
    "trials_table",
    "write",
]
