"""Whether two runs hold the same results, and whether a run has lost or doubled a trial."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow as pa

from studies.records import CLOCK_COLUMNS, CURVES, DECISIONS, SOLUTIONS, STUDY, TRIALS
from studies.records.events import Ended, Suggested
from studies.records.log import read_log

_COMPARED = (TRIALS, CURVES, DECISIONS, SOLUTIONS)


def studies_of(run: Path) -> list[Path]:
    """The folders of a run that hold records: itself, or those of a reproduction's problems."""
    return sorted(path.parent for path in run.rglob(STUDY))


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """A run's tables, without the columns that tell the time; those that cannot be read are missing."""
    read = {}
    for name in _COMPARED:
        if (folder / name).is_file():
            try:
                table = pd.read_parquet(folder / name)
            except pa.ArrowException:
                continue
            read[name] = table.drop(columns=[column for column in CLOCK_COLUMNS if column in table])
    return read


def differences(first: Path, other: Path) -> list[str]:
    """The tables of two runs that are not the same bit for bit."""
    parts = {run: {path.relative_to(run) for path in studies_of(run)} for run in (first, other)}
    if parts[first] != parts[other]:
        return [f"the runs hold {len(parts[first])} and {len(parts[other])} records"]
    return [
        str(part / name)
        for part in sorted(parts[first])
        for name in _different(tables(first / part), tables(other / part))
    ]


def _different(first: dict[str, pd.DataFrame], second: dict[str, pd.DataFrame]) -> list[str]:
    return [
        name
        for name in sorted({*first, *second})
        if name not in first or name not in second or not first[name].equals(second[name])
    ]


def misplaced(run: Path) -> int:
    """Trials that the logs of a run do not suggest and end once each."""
    total = 0
    for folder in studies_of(run):
        events = read_log(folder)
        suggested = Counter(event.trial for event in events if isinstance(event, Suggested))
        ended = Counter(event.trial for event in events if isinstance(event, Ended))
        total += sum(suggested[trial] != 1 or ended[trial] != 1 for trial in {*suggested, *ended})
    return total


def not_finite(run: Path) -> int:
    """Trials in which a replicate, or all of them, had no finite loss any more."""
    count = 0
    for folder in studies_of(run):
        trials = tables(folder).get(TRIALS)
        if trials is not None:
            count += trials[trials["diverged_at"].notna()]["trial"].nunique()
    return count
