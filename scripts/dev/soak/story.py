"""One study from its beginning to its end, through its faults."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dev.soak import fragile
from dev.soak.compare import differences, misplaced, not_finite
from dev.soak.faults import ANYWHERE, FULL_DISK, TORN, UNDER_RAY, Inject, Target, ballast, tear
from dev.soak.process import Process, wait_for_log
from studies.records.environment import available_cores

_FILE = str(Path(fragile.__file__))
_QUIET = ["--with", _FILE, "--name", "run"]
COMMANDS = {
    "search": ["run", fragile.SEARCH.name, *_QUIET],
    "ablation": ["run", fragile.ABLATION.name, *_QUIET],
    "solve": ["solve", "fragile", *_QUIET],
    "reproduce": ["reproduce", "--problems", "fragile,feeble", "--settings", "default", *_QUIET],
}
"""By kind: what is typed to run one, but for where its results go."""
FOLDERS = {
    "search": fragile.SEARCH.name,
    "ablation": fragile.ABLATION.name,
    "solve": "solve-fragile",
    "reproduce": "reproduce",
}
NAN = "NaN in a trial"
FAULTS = (*ANYWHERE, *UNDER_RAY, TORN, NAN)
_ENDINGS = {0, 1, 130}
"""Exit codes of a process that ended by itself: 1 where it was harmed, 130 where it was asked to."""
_REFUSED = 2
"""Exit code of a command that was not understood or not allowed, which no fault explains."""
_MOMENTS = 0.7
"""Share of an undisturbed study's time within which a process meets its next fault, if it still runs."""
_TEARS = 0.4
"""Share of the resumptions before which a file is torn."""


@dataclass
class Blow:
    """A fault that was injected, and what became of the process that it met.

    ended: by it.  left: its processes two minutes later; gone: seconds until the last of them was.
    """

    fault: str
    ended: bool = False
    left: int = 0
    gone: float = 0.0


@dataclass
class Story:
    """What happened to a study, and what came of it.

    misplaced: trials lost or doubled.  differing: tables that are not those of the undisturbed study, and
    whatever else is wrong.
    """

    kind: str
    run: Path
    blows: list[Blow] = field(default_factory=list)
    misplaced: int = 0
    differing: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether it came out as if nothing had happened."""
        return not self.differing


def undisturbed(kind: str, out: Path) -> tuple[Path, float]:
    """Runs a study that nothing happens to: its folder, and the seconds from its first record to its end."""
    process = Process([*COMMANDS[kind], "--out", str(out)])
    run = out / FOLDERS[kind] / "run"
    wait_for_log(run, process, 1)
    begun = time.monotonic()
    code, said = process.ended()
    if code != 0:
        raise SystemExit(f"the undisturbed {kind} ended with exit code {code}:\n{said}")
    return run, time.monotonic() - begun


class Teller:
    """Runs a study, and resumes it until it is finished, with so many faults on the way.

    span: seconds over which faults are spread in each process.  counts: how often each fault was injected so
    far; the rarest are chosen first.
    """

    def __init__(
        self,
        kind: str,
        out: Path,
        *,
        span: float,
        faults: int,
        counts: Mapping[str, int],
        choose: random.Random,
        fills: bool,
    ) -> None:
        self._story = Story(kind, out / FOLDERS[kind] / "run")
        self._out = out
        self._span = span
        self._faults = faults
        self._counts = counts
        self._choose = choose
        self._kinds: dict[str, Inject] = dict(ANYWHERE)
        if kind in ("search", "ablation"):
            self._kinds |= UNDER_RAY
        if not fills:
            del self._kinds[FULL_DISK]

    def tell(self, reference: Path) -> Story:
        """The whole story, its results compared with those of an undisturbed run."""
        story = self._story
        process = self._begin([*COMMANDS[story.kind], "--out", str(self._out)])
        while True:
            struck = self._strike(process)
            code, output = process.ended()
            self._outlived(process, struck, code)
            ballast(self._out).unlink(missing_ok=True)
            if "Traceback" in output:
                story.differing.append(f"a traceback was shown: {output[-3000:]}")
            if code == 0:
                break
            if code == _REFUSED or (not struck and code in _ENDINGS):
                story.differing.append(f"exit code {code}: {output[-2000:]}")
                return story
            self._tear()
            cores = self._choose.randint(1, available_cores())
            process = self._begin(["resume", str(story.run), "--trust", "--cores", str(cores)])
        story.differing += differences(reference, story.run)
        story.misplaced = misplaced(story.run)
        story.blows += [Blow(NAN)] * not_finite(story.run)
        return story

    def _begin(self, arguments: list[str]) -> Process:
        return Process(arguments, {fragile.TRAP: str(self._trap)})

    @property
    def _trap(self) -> Path:
        return self._out.with_suffix(".trap")  # not on the disk that is filled

    def _strike(self, process: Process) -> list[Blow]:
        """Injects faults until one ends the process, or it ends."""
        story, struck = self._story, []
        target = Target(process, story.run, self._trap, self._out)
        wait_for_log(story.run, process, 1)
        while len(story.blows) < self._faults and self._sleep(process):
            fault = self._rarest()
            if self._kinds[fault](target, self._choose):
                struck.append(Blow(fault))
                story.blows.append(struck[-1])
            if fault == FULL_DISK:
                break  # sooner or later it ends the process
        return struck

    def _sleep(self, process: Process) -> bool:
        """Waits for a moment of the process's life; whether it has not ended by then."""
        deadline = time.monotonic() + self._choose.uniform(0.0, _MOMENTS * self._span)
        while process.running and time.monotonic() < deadline:
            time.sleep(0.05)
        return process.running

    def _rarest(self) -> str:
        def count(fault: str) -> tuple[int, float]:
            here = sum(blow.fault == fault for blow in self._story.blows)
            return self._counts.get(fault, 0) + here, self._choose.random()

        return min(sorted(self._kinds), key=count)

    def _outlived(self, process: Process, struck: list[Blow], code: int) -> None:
        left, gone = process.left()
        for blow in struck:
            blow.ended, blow.left, blow.gone = code != 0, left, gone

    def _tear(self) -> None:
        if self._choose.random() < _TEARS and tear(self._story.run, self._choose):
            self._story.blows.append(Blow(TORN, ended=True))
