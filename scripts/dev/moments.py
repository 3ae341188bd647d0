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
from pathlib import Path
from typing import Annotated

import typer

from dev.soak.process import Process
from dgm_cli.common import messages
from studies.records import STUDY, read_study
from studies.records.events import Left, Reported
from studies.records.history import read_history
from studies.records.log import read_log

COMMANDS = {
    "search": "run heat-search --quick --trials 4 --set iterations=400 --set width=16 --cores 2",
    "ablation": "run heat-batch-size --arms 1;64 --iterations 400 --replicates 2 --cores 2",
    "solve": "solve heat --iterations 3000 --replicates 2",
}
SIGNALS = (signal.SIGINT, signal.SIGTERM)
_FIRST_SECOND = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)
"""Moments at which programs are imported and nothing has begun."""
_PATIENCE = 60.0


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
        return self.code == 0 if self.stage == "over" else self.code == 130 and len(self.said) == 1

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
    moments: Annotated[int, typer.Option(help="How many.")] = 40,
    kind: Annotated[str, typer.Option(help=f"One of {', '.join(COMMANDS)}.")] = "search",
    out: Annotated[Path | None, typer.Option(help="Write the table here, as Markdown.")] = None,
) -> None:
    """Ask a study to end at many moments of its life, by SIGINT and SIGTERM in turn, and go on with it."""
    if kind not in COMMANDS:
        raise typer.BadParameter(f"{kind} is none of {', '.join(COMMANDS)}")
    # In the background of a script SIGINT is ignored, in all that is started there too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="dgm-moments-"))
    begun = time.monotonic()
    code, said = _started(kind, folder / "whole").ended()
    span = time.monotonic() - begun
    if code:
        raise RuntimeError(said)
    early = [after for after in _FIRST_SECOND if after < span][: moments // 2]
    rest = moments - len(early)
    times = [*early, *(early[-1] + (span - early[-1]) * (nth + 1) / rest for nth in range(rest))]
    lines = [f"| {TITLES} |", "| --- " * (TITLES.count("|") + 1) + "|"]
    wrong = 0
    for nth, after in enumerate(times):
        moment = _tried(kind, folder / str(nth), after, SIGNALS[nth % 2])
        lines.append(moment.row)
        messages.print(moment.row, soft_wrap=True)
        if not moment.right:
            wrong += 1
            messages.print("  not right: " + " / ".join(moment.said), soft_wrap=True)
    right = f"{len(times) - wrong} of {len(times)} moments as they should be"
    total = f"{right}; undisturbed the study takes {span:.1f} s."
    lines += ["", total]
    messages.print(total)
    if out is not None:
        out.write_text("\n".join(lines) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    raise typer.Exit(int(wrong > 0))


def _started(kind: str, folder: Path) -> Process:
    return Process([*COMMANDS[kind].split(), "--out", str(folder), "--name", "run"])


def _tried(kind: str, folder: Path, after: float, number: signal.Signals) -> Moment:
    process = _started(kind, folder)
    time.sleep(after)
    stage = "over" if not process.running else _stage(folder)
    begun = time.monotonic()
    if process.running:
        process.send(number)
    code, said = process.ended()
    answered = time.monotonic() - begun
    left, _ = process.left(_PATIENCE)
    lines = [line for line in said.splitlines() if line.strip()]
    answer = [line for line in lines if "interrupted;" in line or line.startswith(("dgm", "Traceback"))]
    if code not in (0, 130) or "Traceback" in said:
        answer = lines
    return Moment(after, number, stage, answered, code, answer, left, _resumed(answer))


def _stage(folder: Path) -> str:
    """How far a study is, by its folder."""
    studies = list(folder.glob(f"*/*/{STUDY}"))
    if not studies:
        return "imports"
    events = read_log(studies[0].parent)
    if any(isinstance(event, Left) for event in events):
        return "records and figures"
    if any(entry.reports for entry in read_history(studies[0].parent).phase("confirm")):
        return "confirmation"
    if any(isinstance(event, Reported) for event in events):
        return "training"
    return "Ray's start" if read_study(studies[0].parent).kind != "solve" else "training"


def _resumed(answer: Sequence[str]) -> bool | None:
    """Whether the command that was named for it makes the study whole."""
    _, found, command = " ".join(answer).partition(": dgm ")
    if not found:
        return None
    line = shlex.split(command.partition(", or ")[0])
    done = subprocess.run([sys.executable, "-m", "dgm_cli.main", *line], capture_output=True, timeout=600)
    return done.returncode == 0 and (Path(line[1]) / "report.html").is_file()


if __name__ == "__main__":
    typer.run(moments)
