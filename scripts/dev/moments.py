"""`scripts/moments`: a study that is asked to end does so, at whatever moment of its life."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from dev.soak.process import Process
from dgm_cli.common import messages
from studies.records import STUDY, read_study
from studies.records.events import Left, Reported
from studies.records.history import read_history
from studies.records.log import read_log
from studies.records.words import counted

COMMANDS = {
    "search": "run heat-search --quick --trials 4 --set iterations=400 --set width=16 --cores 2",
    "ablation": "run heat-batch-size --arms 1;64 --iterations 400 --replicates 2 --cores 2",
    "solve": "solve heat --iterations 3000 --replicates 2",
}
SIGNALS = (signal.SIGINT, signal.SIGTERM)
_FIRST_SECOND = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)
"""Moments at which programs are imported and nothing has begun."""
_PATIENCE = 60.0
_EACH = 4
"""Moments of each stage, at least, where it is met at all."""
_MOST = 2
"""Times as many moments as are wanted, after which no more are tried."""
OVER, REPORT = "over", "the report"
BEFORE = "before the program"
"""Python itself still starts, and answers an interrupt with a traceback of its `site` module."""
STAGES = ("imports", "Ray's start", "training", "confirmation", "records", REPORT)
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


@dataclass(frozen=True)
class Moment:
    """What came of a signal.

    after: seconds from the start of the process to the signal; answered: from the signal to its end.  said:
    what it printed in answer.  left: processes that outlived it for long.  resumed: whether the command that
    it names goes on to the end; None where it names none.
    """

    after: float
    number: signal.Signals
    stage: str
    answered: float
    code: int
    said: Sequence[str]
    left: int
    resumed: bool | None

    @property
    def right(self) -> bool:
        """One line, exit code 130, nothing left, and a way to go on that works; or the study was over."""
        if self.left or self.resumed is False:
            return False
        if self.stage == BEFORE:
            return True
        if self.code == 0:
            return self.stage == OVER
        return self.code == 130 and len(self.said) == 1

    @property
    def row(self) -> str:
        """Of the table."""
        resumed = {True: "to its end", False: "NOT", None: "–"}[self.resumed]
        cells = (
            f"{self.after:.2f}",
            self.number.name,
            self.stage,
            f"{self.answered:.1f}",
            self.code,
            len(self.said),
            self.left,
            resumed,
        )
        return "| " + " | ".join(map(str, cells)) + " |"


TITLES = (
    "second | signal | the study's stage | answered after (s) | exit code | lines | processes left | goes on"
)


def moments(
    moments: Annotated[int, typer.Option(help="How many, of those at which the study still runs.")] = 40,
    kind: Annotated[str, typer.Option(help=f"One of {', '.join(COMMANDS)}.")] = "search",
    out: Annotated[Path | None, typer.Option(help="Write the table here, as Markdown.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Put the table into docs/reliability.md, in place of the last.")
    ] = False,
) -> None:
    """Ask a study to end at many moments of its life, by SIGINT and SIGTERM in turn, and go on with it."""
    if kind not in COMMANDS:
        raise typer.BadParameter(f"{kind} is none of {', '.join(COMMANDS)}")
    # In the background of a script SIGINT is ignored, in all that is started there too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="dgm-moments-"))
    begun = time.monotonic()
    code, message = _started(kind, folder / "whole").ended()
    span = time.monotonic() - begun
    if code:
        raise RuntimeError(message)
    tried: list[Moment] = []
    while (after := next_moment(tried, span, moments)) is not None:
        nth = len(tried)
        tried.append(_tried(kind, folder / str(nth), after, SIGNALS[nth % 2]))
        messages.print(tried[-1].row, soft_wrap=True)
        if not tried[-1].right:
            messages.print("  not right: " + " / ".join(tried[-1].said), soft_wrap=True)
    text = table(tried, span)
    messages.print(text.rpartition("\n\n")[2])
    if out is not None:
        out.write_text(text + "\n")
    if write:
        PAGE.write_text(between_marks(PAGE.read_text(), text))
    shutil.rmtree(folder, ignore_errors=True)
    raise typer.Exit(int(not all(moment.right for moment in tried)))


def next_moment(tried: Sequence[Moment], span: float, wanted: int) -> float | None:
    """When to ask next, in seconds after the start; None when enough was tried.

    First those within the first second, then the middle of the longest time without any, up to the earliest
    moment at which the study was over; and once enough have met the study, those of stages met too rarely.
    span: of the undisturbed study.
    """
    met = [moment for moment in tried if moment.stage not in (BEFORE, OVER)]
    early = [after for after in _FIRST_SECOND if after < span][: wanted // 2]
    if len(tried) < len(early):
        return early[len(tried)]
    if len(tried) >= _MOST * wanted:
        return None  # a machine so unsteady that this comes to no end
    end = min((moment.after for moment in tried if moment.stage == OVER), default=span)
    times = sorted({*(moment.after for moment in met if moment.after < end), end})
    gaps = list(pairwise(times))
    rare = [stage for stage in STAGES if 0 < sum(each.stage == stage for each in met) < _EACH]
    if len(met) >= wanted:
        if not rare:
            return None
        same_stage = {moment.after for moment in met if moment.stage == rare[0]}
        gaps = [gap for gap in gaps if same_stage & set(gap)] or gaps
    low, high = max(gaps, key=lambda gap: gap[1] - gap[0])
    return (low + high) / 2.0


def table(tried: Sequence[Moment], span: float) -> str:
    """What came of the moments, in their order, as Markdown, and in words."""
    rows = [moment.row for moment in sorted(tried, key=lambda moment: moment.after)]
    met = [moment for moment in tried if moment.stage not in (BEFORE, OVER)]
    right = sum(moment.right for moment in met)
    slowest = max(met, key=lambda moment: moment.answered)
    stages = ", ".join(
        f"{sum(moment.stage == stage for moment in met)} in {stage}"
        for stage in STAGES
        if any(moment.stage == stage for moment in met)
    )
    summary = (
        f"{right} of the {counted(len(met), 'moment')} at which the study still ran ({stages}) "
        f"are as they should be. The slowest answer took {slowest.answered:.1f} s, in {slowest.stage}; "
        f"undisturbed the study took {span:.1f} s."
    )
    return "\n".join([f"| {TITLES} |", "| --- " * (TITLES.count("|") + 1) + "|", *rows, "", summary])


def between_marks(page: str, text: str) -> str:
    """The page with another table."""
    begin, end = "<!-- moments -->\n", "\n<!-- /moments -->"
    return page[: page.index(begin) + len(begin)] + text + page[page.index(end) :]


def _started(kind: str, folder: Path) -> Process:
    return Process([*COMMANDS[kind].split(), "--out", str(folder), "--name", "run"])


def _tried(kind: str, folder: Path, after: float, number: signal.Signals) -> Moment:
    process = _started(kind, folder)
    time.sleep(after)
    stage = OVER if not process.running else _stage(folder)
    begun = time.monotonic()
    if process.running:
        process.send(number)
    code, output = process.ended()
    answered = time.monotonic() - begun
    left, _ = process.left(_PATIENCE)
    lines = [line for line in output.splitlines() if line.strip()]
    answer = [line for line in lines if "interrupted;" in line or line.startswith(("dgm", "Traceback"))]
    if code not in (0, 130) or "Traceback" in output:
        answer = lines
    if "init_import_site" in output:
        stage = BEFORE
    return Moment(after, number, stage, answered, code, answer, left, _resumed(answer))


def _stage(folder: Path) -> str:
    """How far a study is, by its folder."""
    studies = list(folder.glob(f"*/*/{STUDY}"))
    if not studies:
        return "imports"
    events = read_log(studies[0].parent)
    if any(isinstance(event, Left) for event in events):
        if (studies[0].parent / "report.html").is_file():
            return OVER  # but for the process's own end: nothing is left to interrupt
        return REPORT if read_study(studies[0].parent).state == "finished" else "records"
    if any(entry.reports for entry in read_history(studies[0].parent).phase("confirm")):
        return "confirmation"
    if any(isinstance(event, Reported) for event in events):
        return "training"
    return "Ray's start" if read_study(studies[0].parent).kind != "solve" else "training"


def _resumed(answer: Sequence[str]) -> bool | None:
    """Whether the command that was named for it makes the study whole."""
    _, separator, command = " ".join(answer).partition(": dgm ")
    if not separator:
        return None
    line = shlex.split(command.partition(", or ")[0])
    done = subprocess.run([sys.executable, "-m", "dgm_cli.main", *line], capture_output=True, timeout=600)
    return done.returncode == 0 and (Path(line[1]) / "report.html").is_file()


if __name__ == "__main__":
    typer.run(moments)
