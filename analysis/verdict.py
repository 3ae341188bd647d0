"""The verdict of a run in one sentence, from confirmed numbers only: the same wherever a run is summed up.

Solved or not, by the relative L² error; better than the baseline or not, with the interval; and what else
differs between the two.  `against` is a function of numbers; `verdict` takes a run's records.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from analysis import scores, statistics
from analysis.arms import arm_said, key_name
from analysis.scores import RESIDUAL, RESIDUAL_OF_DATA
from analysis.statistics import Interval
from analysis.tables.cells import generator, looks_of, paired_cells
from analysis.tables.rounding import LEVEL, interval, number
from analysis.tables.solving import count_failed, satisfied, solved, solved_rows
from studies.records import StudyRecord
from studies.records.intervals import median_coverage
from studies.records.reduction import median
from studies.records.words import counted

Direction = Literal["better", "worse", ""]
_SAME = object()


def direction(ratio: Interval, p: float) -> Direction:
    """Whether an error is smaller or larger than the baseline's; empty where the evidence does not say.

    ratio: error over the baseline's, with its interval.  p: of the paired test, adjusted where there are
    several.  Both have to agree: p is below 5 %, and the interval does not hold 1, so that no claim stands
    beside an interval that contradicts it.
    """
    if not p < LEVEL:
        return ""
    return "better" if ratio.high < 1 else "worse" if ratio.low > 1 else ""


def paired_ratio(study: StudyRecord, rows: pd.DataFrame, base: pd.DataFrame) -> Interval:
    """The error over the baseline's, median over shared seeds: the one comparison of two errors there is.

    The ratio of two medians is another number, which no sentence, title or table gives.
    """
    cells = paired_cells(rows, base, generator(study.seed), looks_of(study))
    return Interval(cells["ratio"], cells["ratio_low"], cells["ratio_high"])


def factor(ratio: Interval) -> str:
    """How many times larger an error is, or smaller, to the digits that its interval supports; empty where
    that is not known."""
    if not math.isfinite(ratio.point):
        return ""
    return _bracketed(ratio if ratio.point >= 1 else _inverse(ratio))[0]


def against(ratio: Interval, p: float, pairs: int, *, lost: bool = False, base_lost: bool = False) -> str:
    """The search's best against the baseline.

    pairs: shared seeds.  lost, base_lost: whether the median of the search's best, or of the baseline, is
    that of a diverged replicate.
    """
    seeds = counted(pairs, "seed")
    if lost or base_lost:
        if lost and base_lost:
            return "the search's best and the baseline both diverged"
        if lost:
            return "keep the baseline: the search's best diverged"
        if p < LEVEL:
            return f"better than the baseline, which diverged ({seeds})"
        return (
            f"the baseline diverged, but {seeds} cannot show that the search's best is better (p = {p:.2g} "
            "by a signed-rank test)"
        )
    if ratio == Interval(1.0, 1.0, 1.0):  # each seed has the same error, to the last bit: the same training
        return "keep the baseline: the search found nothing better than its settings"
    shown = direction(ratio, p)
    if shown == "better":
        return f"{_times(_inverse(ratio), 'better than the baseline')}{_how_sure(p, pairs)}"
    if shown == "worse":
        return f"keep the baseline: the search's best is {_times(ratio, 'worse')}{_how_sure(p, pairs)}"
    return f"no evidence of a difference from the baseline with {seeds}"


def _how_sure(p: float, pairs: int) -> str:
    """What the interval of a claim covers and what the claim rests on, where it covers less than 95 %."""
    covered = median_coverage(pairs)
    if covered >= 1.0 - LEVEL:
        return ""
    return f" (an interval of {counted(pairs, 'seed')} covers {100 * covered:.0f} %; p = {p:.1g} by a t-test)"


def verdict(study: StudyRecord, trials: pd.DataFrame) -> str:
    """The verdict of a run, without a full stop; empty where nothing is confirmed.

    trials: the run's, as `studies.records.TRIAL_COLUMNS` has them.
    """
    if trials.empty:
        return ""
    if study.kind == "ablation":
        return _ablation(study, trials)
    confirmed = scores.headlines(trials)
    if study.kind == "search":
        return _search(study, confirmed)
    return "; ".join(filter(None, (solved_rows(study, rows) for rows in confirmed.values())))


def sentence(text: str) -> str:
    """A verdict as a sentence of its own; empty stays empty."""
    return f"{text[0].upper()}{text[1:]}." if text else ""


def verdict_of_solve(summary: Mapping[str, Any]) -> str:
    """The same of what `dgm solve` came to: its summary, whose `rel_l2` is as `confirmed` makes it."""
    error = summary.get("rel_l2") or summary["score"]
    known = "rel_l2" in summary and error["median"] is not None
    if summary.get("metric") == RESIDUAL and 2 * error["diverged"] < error["n"]:
        of_data = summary.get(RESIDUAL_OF_DATA)
        if of_data is None or of_data["median"] is None:
            return satisfied(math.nan if error["median"] is None else error["median"])
        return satisfied(
            *([row[name] for row in summary["replicates"]] for name in (RESIDUAL, RESIDUAL_OF_DATA))
        )
    replicates = summary.get("replicates", [])
    return solved(
        error["median"] if known else math.nan,
        n=error["n"],
        diverged=error["diverged"],
        failed=count_failed(
            [each.get("rel_l2") for each in replicates], [each["status"] == "diverged" for each in replicates]
        ),
        reason="; ".join(summary.get("diverged_by", [])[:1]),
        yardsticks=summary.get("yardsticks"),
    )


def groups(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Arms by what the evidence says of them: better, worse, diverged, or no difference.

    rows: arm -> its score, ratio (with ends) and p_holm, as `analysis.tables.arms_table` has them.
    """
    arms: dict[str, list[str]] = {"better": [], "worse": [], "diverged": [], "": []}
    for arm, row in rows.items():
        ratio = Interval(row["ratio"], row["ratio_low"], row["ratio_high"])
        kind = "diverged" if math.isinf(row["score"]) else direction(ratio, row["p_holm"])
        arms[kind].append(arm)
    return arms


def compared(cells: Mapping[str, dict[str, Any]], base: str) -> list[str]:
    """Which arms are better than the baseline, which worse, and which diverged; or that none differs.

    cells: arm -> its score, ratio (with ends) and p, as `paired_cells` has them; p is adjusted for all arms
    here, as their `p_holm`.
    """
    _adjust(cells)
    kinds = groups(cells)
    names = {"better": f"better than the baseline ({base})", "worse": "worse", "diverged": "diverged"}
    told = [f"{name}: {', '.join(map(quoted, kinds[kind]))}" for kind, name in names.items() if kinds[kind]]
    if not kinds["better"]:
        differs = "is significantly better than" if kinds["worse"] else "differs significantly from"
        told.insert(0, f"no arm {differs} the baseline ({base})")
    return told


def _adjust(cells: Mapping[str, dict[str, Any]]) -> None:
    adjusted = statistics.holm(np.array([row["p"] for row in cells.values()], float))
    for row, p in zip(cells.values(), adjusted, strict=True):
        row["p_holm"] = p


def _search(study: StudyRecord, confirmed: Mapping[str, pd.DataFrame]) -> str:
    if "winner" not in confirmed:
        return ""
    winner = confirmed["winner"]
    said = [text] if (text := solved_rows(study, winner)) else []
    if "baseline" in confirmed:
        base = confirmed["baseline"]
        cells = paired_cells(winner, base, generator(study.seed), looks_of(study))
        ratio = paired_ratio(study, winner, base)
        lost, base_lost = (math.isinf(float(median(scores.errors(rows)))) for rows in (winner, base))
        said.append(against(ratio, cells["p"], cells["pairs"], lost=lost, base_lost=base_lost))
        if fixed := _fixed_changes(study):
            said.append(f"all trials also differ from the baseline in {', '.join(map(key_name, fixed))}")
    return "; ".join(said)


def _fixed_changes(study: StudyRecord) -> list[str]:
    """The settings that all trials share and the baseline does not."""
    if study.winner is None or study.confirmed_baseline is None:
        return []
    baseline, winner = study.confirmed_baseline.config, study.winner.config
    return [
        key
        for key in {**baseline, **winner}
        if key not in study.space and baseline.get(key, _SAME) != winner.get(key, _SAME)
    ]


def _ablation(study: StudyRecord, trials: pd.DataFrame) -> str:
    rows = trials[trials["phase"] == "ablation"]
    arms = {str(arm): rows[rows["arm"] == arm] for arm in rows["arm"].dropna().unique()}
    middle = {arm: float(median(scores.errors(its_rows))) for arm, its_rows in arms.items()}
    middle = {arm: value for arm, value in middle.items() if not math.isnan(value)}
    if not middle:
        return ""
    best = min(middle, key=lambda arm: middle[arm])
    text = solved_rows(study, arms[best])
    said = [f"the best arm is {arm_said(study, best)}: {text}"] if text else []
    base = study.baseline
    if base not in middle or len(middle) == 1:
        return "; ".join(said)
    return "; ".join([*said, *compared(_against_baseline(study, arms), base)])


def shown_better(study: StudyRecord, arms: Mapping[str, pd.DataFrame], arm: str) -> bool:
    """Whether an arm is better than the baseline beyond doubt, among all arms.  arms: their trials' rows."""
    cells = _against_baseline(study, arms)
    _adjust(cells)
    return arm in groups(cells)["better"]


def _against_baseline(study: StudyRecord, arms: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, Any]]:
    """Each arm with an error against the baseline, as `compared` takes them."""
    rng, cells = generator(study.seed), {}
    for arm, rows in arms.items():
        middle = float(median(scores.errors(rows)))
        if arm != study.baseline and not math.isnan(middle):
            cells[arm] = {**paired_cells(rows, arms[str(study.baseline)], rng), "score": middle}
    return cells


def quoted(arm: str) -> str:
    """An arm among others: in quotation marks where its name has a comma."""
    return f'"{arm}"' if "," in arm else arm


def _times(times: Interval, word: str) -> str:
    """ "2.6 times worse [2.1, 3.4]"; the interval is left out where there is none."""
    point, ends = _bracketed(times)
    return f"{point} times {word}{ends}"


def _inverse(ratio: Interval) -> Interval:
    ends = (ratio.point, ratio.high, ratio.low)
    return Interval(*(math.inf if value == 0 else 1 / value for value in ends))


def _bracketed(times: Interval) -> tuple[str, str]:
    """A ratio and its interval in brackets, which is empty where there is none."""
    point, bracket, ends = interval(*times).partition(" [")
    if "× 10" in ends:
        return number(times.point, 2), f" [{number(times.low, 2)}, {number(times.high, 2)}]"
    return point, bracket + ends
