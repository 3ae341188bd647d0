"""Tables of a run, in full precision; `writers` rounds them for a reader."""

from analysis.tables.ablation import arms_table, budget_table, factor_table
from analysis.tables.after import audit_table, path_table, revived_table, rivals_table
from analysis.tables.flatness import flatness_table
from analysis.tables.front import budgets_table, front_table
from analysis.tables.importance import importance_table
from analysis.tables.runs import compare_table, correlation_table, polish_table
from analysis.tables.search import counts_table, decisions_table, summary_table, trials_table
from analysis.tables.writers import latex, markdown, present, write

__all__ = [
    "arms_table",
    "audit_table",
    "budget_table",
    "budgets_table",
    "compare_table",
    "correlation_table",
    "counts_table",
    "decisions_table",
    "factor_table",
    "flatness_table",
    "front_table",
    "importance_table",
    "latex",
    "markdown",
    "path_table",
    "polish_table",
    "present",
    "revived_table",
    "rivals_table",
    "summary_table",
    "trials_table",
    "write",
]
