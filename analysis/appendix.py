"""A run as an appendix of a paper: what was searched or compared, how, on what, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from analysis import citing, settings, tables
from analysis.arms import key_name
from analysis.budgets import verdicts
from analysis.load import Run
from analysis.tables.writers import latex, latex_text, markdown
from studies.records import replacing
from studies.records.words import counted

MARKDOWN, LATEX, BIBLIOGRAPHY = "appendix.md", "appendix.tex", "references.bib"
FILES = (MARKDOWN, LATEX, BIBLIOGRAPHY)

_SHOWN = ("setting", "arm", "n", "diverged", "score", "rel_l2", "pairs", "ratio", "p", "p_holm", "metric")
"""Columns of the results that a paper has room for, each with its interval."""


def write_appendix(run: Run, folder: Path) -> list[Path]:
    """Writes the paragraphs and tables as Markdown and LaTeX (booktabs), and what they cite; the files."""
    texts = {MARKDOWN: _markdown(run), LATEX: _latex(run), BIBLIOGRAPHY: citing.bibtex(run)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        with replacing(folder / name) as file:
            file.write(text.encode())
    return [folder / name for name in texts]


def _paragraphs(run: Run) -> list[str]:
    """What was done, and what came of it."""
    return [citing.methods(run), " ".join(verdicts(run)) or "Nothing was confirmed."]


def _tables(run: Run) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each with its caption; those that are empty are left out."""
    study = run.study
    compares = study.kind != "solve"
    made = {
        f"The space of the search of {study.problem}: {counted(len(study.space), 'setting')}.": (
            settings.space_table(run)
        ),
        f"All settings{' in which what is compared differs' if compares else ''}.": settings.differences(
            run
        ).rename(columns={"baseline": "the baseline's"}),
        f"Median {run.metric_name} on the evaluation points, with intervals of order statistics"
        f"{'; ratios are paired over shared seeds' if compares else ''}.": _results(run),
        f"Values of each setting beyond which the {run.noun} is more than twice the winner's, all others "
        "held, by a Gaussian process over the completed trials; –: not within the space.": (_ranges(run)),
    }
    yield from ((caption, table) for caption, table in made.items() if len(table))


def _ranges(run: Run) -> pd.DataFrame:
    table = tables.flatness_table(run)
    return table.assign(setting=table["setting"].map(key_name)) if len(table) else table


def _results(run: Run) -> pd.DataFrame:
    table = tables.arms_table(run) if run.study.kind == "ablation" else tables.summary_table(run)
    kept = [name for name in table if re.sub(r"_(low|high)$", "", str(name)) in _SHOWN]
    return table[kept]


def _markdown(run: Run) -> str:
    parts = [f"## {run.study.question}", *_paragraphs(run)]
    for caption, table in _tables(run):
        parts += [f"**{caption}**", markdown(table)]
    return "\n\n".join(parts)


def _latex(run: Run) -> str:
    keys = re.findall(r"@\w+\{([^,\s]+),", citing.bibtex(run))
    lines = ["% needs \\usepackage{booktabs}", f"\\paragraph{{{latex_text(run.study.question)}}}"]
    methods, findings = _paragraphs(run)
    lines += [f"{latex_text(methods)} See \\cite{{{','.join(keys)}}}.", "", latex_text(findings), ""]
    for caption, table in _tables(run):
        lines += ["\\begin{table}[htbp]", "\\centering", f"\\caption{{{latex_text(caption)}}}"]
        lines += [latex(table).rstrip(), "\\end{table}", ""]
    return "\n".join(lines)
