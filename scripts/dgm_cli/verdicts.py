"""The verdict on a run folder, as `dgm status`, `list runs` and the dashboard say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studies.records.overview import Overview


def verdicts_of(overview: Overview) -> list[str]:
    """The verdict on a finished run as sentences, those of its report; none of any other.

    Of an ablation whose curves are not here (of a copy in a bucket, say), without those at equal budgets.
    """
    if overview.state != "finished":
        return []
    from analysis.budgets import verdicts
    from analysis.load import load_run
    from analysis.verdict import sentence, verdict
    from studies.records import CURVES
    from studies.records.rebuild import trials_table

    record = overview.record
    if record.kind == "ablation" and (overview.folder / CURVES).is_file():
        return verdicts(load_run(overview.folder))
    said = sentence(verdict(record, trials_table(overview.folder, overview.history, record)))
    return [said] if said else []


def best_line(overview: Overview) -> str:
    """The best trial in a line: its confirmed error where there is one; empty where none has completed."""
    from dgm_cli.common import interval
    from studies.records import LABELS, words

    record, best = overview.record, overview.best
    if best is None:
        return ""
    if (winner := record.winner) is None:
        chosen = "" if record.kind == "solve" else ", selected as the best: not confirmed on fresh seeds"
        return f"best: trial {best.trial}, {words.spread(best, record.metric)}{chosen}"
    selected = overview.history.entries.get(winner.trial)
    said = f"best: trial {winner.trial}, {LABELS[record.metric]} {interval(winner.score)} on fresh seeds"
    return said if selected is None else f"{said}; selected with {words.number(selected.score)}"


def best_words(overview: Overview) -> str:
    """The number to quote of a run, of which metric, and whether it is confirmed or selected.

    A dash where there is none.
    """
    from studies.records import LABELS

    value, how = overview.headline or (None, "")
    return "–" if value is None else f"{LABELS[overview.record.metric]} {value:.2g} {how}".rstrip()
