"""The live table: every trial's state while a study runs."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from studies.records import LABELS, StudyRecord, terminal, words
from studies.records.forecast import planned, seconds_left
from studies.records.history import Entry, History
from studies.records.spaces import present
from studies.records.terminal import Column
from studies.running.live.notebook import NotebookView
from studies.running.live.sparkline import sparkline
from studies.trials.trainable import POLISH, POLISH_OF, SCORE, TIME
from studies.tune.worker_pool import WorkerPool

STYLES = {
    None: "bold cyan",
    "waiting": "cyan",
    "paused": "cyan",
    "polishing": "cyan",
    "completed": "green",
    "stopped": "yellow",
    "diverged": "red",
    "failed": "bold red",
    "interrupted": "magenta",
}
_REDRAW_SECONDS = 0.25
_LINES_AROUND = 12
"""Of the screen that the rows of ended trials leave to the rest."""


class LiveTable:
    """Draws running trials, the last ones to end, what early stopping did, the best so far and the time left.

    On a console that is no terminal it prints a line as each trial ends instead.
    """

    def __init__(self, record: StudyRecord, history: History, pool: WorkerPool, console: Console) -> None:
        self._record = record
        self._history = history
        self._pool = pool
        self._console = console
        self._total = sum(planned(record).values())
        self._live: Live | None = None
        self._notebook: NotebookView | None = None
        self._drawn = 0.0
        self._told = {entry.trial for entry in history.entries.values() if not entry.running}
        self._began = time.monotonic() - history.seconds
        self._courses = {
            entry.trial: [metrics.value for metrics in entry.reports.values()]
            for entry in history.entries.values()
        }
        if console.is_jupyter:
            self._notebook = NotebookView()
        elif console.is_terminal:
            self._live = Live(self.render(), console=console, auto_refresh=False, redirect_stdout=False)
            self._live.start()

    @property
    def elapsed(self) -> float:
        """Seconds for which the study has run."""
        return time.monotonic() - self._began

    def tend(self) -> None:
        """Draws again, if it is time."""
        for name, report in self._pool.latest.items():
            self._follow(name, report[SCORE])
        for entry in self._history.entries.values():
            if not entry.running and entry.trial not in self._told:
                self._told.add(entry.trial)
                self._line(entry)
        if time.monotonic() - self._drawn > _REDRAW_SECONDS:
            self._drawn = time.monotonic()
            self._draw()

    def close(self) -> None:
        """Draws once more and gives the terminal back."""
        self.tend()
        self._draw()
        if self._live is not None:
            self._live.stop()
        self._live = self._notebook = None

    def render(self) -> Group:
        """The table as it stands."""
        entries = list(self._history.entries.values())
        running = [entry for entry in entries if entry.running]
        ended = [entry for entry in entries if not entry.running]
        room = max(4, self._console.height - _LINES_AROUND - len(running))
        shown = [*running, *ended[-room:][::-1]]
        table = terminal.table(self._columns(shown), self._console.width)
        below = [self._rungs(), self._best(entries), self._counts(entries)]
        return Group(Text(self._headline(), style="bold"), table, *(Text(line) for line in below if line))

    def _columns(self, entries: list[Entry]) -> list[Column]:
        """A trial's settings are what tells it from others: its telemetry goes before they do."""
        telemetry = zip(*(words.telemetry(self._telemetry(entry)) for entry in entries), strict=True)
        known = list(telemetry) or [(), (), ()]
        return [
            Column("trial", [entry.trial for entry in entries]),
            Column("state", [self._state(entry) for entry in entries]),
            Column("iterations", [self._progress(entry) for entry in entries], right=True),
            Column(LABELS[self._record.metric], [self._score(entry) for entry in entries], right=True),
            *(
                Column(title, cells, right=True, spare=spare)
                for spare, (title, cells) in enumerate(zip(("it/s", "MiB", "eval."), known, strict=True), 1)
            ),
            *(
                Column(
                    key.replace("_", " "),
                    [self._setting(entry.spec.config, key) for entry in entries],
                    right=True,
                )
                for key in self._record.space
                if key != TIME  # which stands beside what is done of it
            ),
        ]

    def _follow(self, name: str, score: float | None) -> None:
        """Keeps what a trial's score was; it says the same until it is measured again."""
        if score is not None and (not (course := self._courses.setdefault(name, [])) or course[-1] != score):
            course.append(score)

    def _draw(self) -> None:
        if self._live is not None:
            self._live.update(self.render(), refresh=True)
        elif self._notebook is not None:
            self._notebook.show(self.render())

    def _state(self, entry: Entry) -> Text:
        state: str | None = entry.status
        if state is None and entry.trial in self._pool.waiting:
            state = "waiting"
        elif state is None and entry.paused:
            state = "paused"
        elif state is None and (polish := self._polish(entry.trial)) is not None:
            state = f"polishing {polish[0]:,} / {polish[1]:,}"
        silent = entry.silent_since
        if entry.running and silent is not None and state not in ("waiting", "paused"):
            state = f"silent {words.clock(time.time() - silent)}"
        return Text(state or "running", style=STYLES.get(state and state.split()[0], "bold red"))

    def _progress(self, entry: Entry) -> str:
        return f"{self._iterations(entry):,} / {entry.asked:,}"

    def _setting(self, config: Mapping[str, Any], key: str) -> str:
        """A value, or nothing where the trial's choices did not bring that setting with them."""
        return _value(config.get(key)) if present(self._record.space, key, config) else ""

    def _headline(self) -> str:
        # How many trials come after a search is not known before it is over.
        total = max(self._total, len(self._history.entries))
        return f"{self._record.name}: {words.share(len(self._told), total, 'trial')} ended"

    def _rungs(self) -> str:
        return words.rungs(self._history.rungs)

    def _best(self, entries: list[Entry]) -> str:
        best = self._history.best
        if best is not None:
            course = sparkline(self._courses.get(best.trial, []))
            return f"best so far: trial {best.trial}, {words.spread(best, self._record.metric)}  {course}"
        going = [entry for entry in entries if entry.running and self._seen_score(entry) is not None]
        first = min(going, key=lambda entry: self._seen_score(entry) or math.inf, default=None)
        if first is None:
            return "best so far: none yet"
        course = sparkline(self._courses.get(first.trial, []))
        return f"ahead: trial {first.trial}, {LABELS[self._record.metric]} {self._score(first)}  {course}"

    def _counts(self, entries: list[Entry]) -> str:
        counts = [
            f"{sum(entry.status == status for entry in entries)} {status}"
            for status in ("completed", "stopped", "diverged", "failed")
        ]
        return f"{', '.join(counts)} · {self._times()}"

    def _times(self) -> str:
        reached = {name: int(report[TIME]) for name, report in self._pool.latest.items()}
        polishes = {name: self._polish(name) for name in reached}
        polished = {name: done[0] / done[1] for name, done in polishes.items() if done is not None}
        left = seconds_left(
            self._record, self._history, elapsed=self.elapsed, reached=reached, polished=polished
        )
        rate = 60.0 * len(self._told) / self.elapsed
        return (
            f"{rate:.2g} trials a minute · elapsed {words.clock(self.elapsed)} · "
            f"left: {'not known yet' if left is None else f'about {words.clock(left)}'}"
        )

    def _line(self, entry: Entry) -> None:
        if self._live is None and self._notebook is None:
            speed = words.telemetry(self._telemetry(entry))[0]
            score = f"{LABELS[self._record.metric]} {self._score(entry)}"
            self._console.print(
                f"{self._headline()} · {entry.trial} {entry.status} "
                f"at {entry.iterations:,} / {entry.asked:,}, {score}, {speed} it/s · {self._times()}"
                + (f" · {entry.error}" if entry.error else ""),
                highlight=False,
                soft_wrap=True,
            )

    def _telemetry(self, entry: Entry) -> Mapping[str, Any]:
        report = self._pool.latest.get(entry.trial) if entry.running else None
        return entry.telemetry if report is None else report

    def _iterations(self, entry: Entry) -> int:
        report = self._pool.latest.get(entry.trial) if entry.running else None
        return entry.iterations if report is None else max(entry.iterations, int(report[TIME]))

    def _polish(self, name: str) -> tuple[int, int] | None:
        """Steps done and at most of a trial's polish, where it is in one."""
        report = self._pool.latest.get(name, {})
        return None if report.get(POLISH) is None else (report[POLISH], report[POLISH_OF])

    def _seen_score(self, entry: Entry) -> float | None:
        report = self._pool.latest.get(entry.trial)
        return None if report is None else report[SCORE]

    def _score(self, entry: Entry) -> str:
        report = self._pool.latest.get(entry.trial) if entry.running else None
        if report is None and entry.measured is None:
            return "–"
        score = report[SCORE] if report is not None else entry.measured and entry.measured.score
        if entry.status == "diverged" or score is None:
            return "diverged"
        return f"{score:.2e}"


def _value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
