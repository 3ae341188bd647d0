"""The live table: every trial's state while a study runs."""

from __future__ import annotations

import io
import time
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from studies.records import LABELS
from studies.records.history import Entry, History
from studies.running.crew import Crew
from studies.running.trainable import SCORE, TIME

STYLES = {
    None: "bold cyan",
    "waiting": "cyan",
    "completed": "green",
    "stopped": "yellow",
    "diverged": "red",
    "failed": "bold red",
    "interrupted": "magenta",
}
_REDRAW_SECONDS = 0.25


class NotebookView:
    """One output of a notebook's cell, drawn anew in place."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, what: Group) -> None:
        """Draws it, or draws it again."""
        from IPython.display import HTML, display

        console = Console(record=True, width=110, file=io.StringIO(), force_jupyter=False)
        console.print(what)
        page = HTML(console.export_html(inline_styles=True, code_format="<pre>{code}</pre>"))
        if self._handle is None:
            self._handle = display(page, display_id=True)
        else:
            self._handle.update(page)


class LiveTable:
    """Draws running trials, the last ones to end, the best so far and an estimate of the time left.

    On a console that is no terminal it prints a line as each trial ends instead.
    """

    def __init__(
        self,
        history: History,
        crew: Crew,
        *,
        title: str,
        metric: str,
        total: int,
        keys: list[str],
        console: Console,
    ) -> None:
        self._history = history
        self._crew = crew
        self._title = title
        self._metric = metric
        self._total = total
        self._keys = keys
        self._console = console
        self._live: Live | None = None
        self._notebook: NotebookView | None = None
        self._drawn = 0.0
        self._told = {entry.trial for entry in history.entries.values() if not entry.running}
        self._began = time.monotonic()
        self._before = len(self._told)
        if console.is_jupyter:
            self._notebook = NotebookView()
        elif console.is_terminal:
            self._live = Live(self.render(), console=console, auto_refresh=False, redirect_stdout=False)
            self._live.start()

    def tend(self) -> None:
        """Draws again, if it is time."""
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

    def _draw(self) -> None:
        if self._live is not None:
            self._live.update(self.render(), refresh=True)
        elif self._notebook is not None:
            self._notebook.show(self.render())

    def render(self) -> Group:
        """The table as it stands."""
        entries = list(self._history.entries.values())
        running = [entry for entry in entries if entry.running]
        ended = [entry for entry in entries if not entry.running]
        room = max(4, self._console.height - 10 - len(running))
        table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
        table.add_column("trial", no_wrap=True)
        table.add_column("state", no_wrap=True)
        table.add_column("iterations", justify="right", no_wrap=True)
        table.add_column(LABELS[self._metric], justify="right", no_wrap=True)
        for key in self._keys:
            table.add_column(key.replace("_", " "), justify="right", overflow="ellipsis")
        for entry in [*running, *ended[-room:][::-1]]:
            table.add_row(*self._row(entry))
        return Group(Text(self._headline(), style="bold"), table, Text(self._footline(entries)))

    def _row(self, entry: Entry) -> list[Text]:
        state: str | None = entry.status
        if state is None and entry.trial in self._crew.waiting:
            state = "waiting"
        return [
            Text(entry.trial),
            Text(state or "running", style=STYLES[state]),
            Text(f"{self._iterations(entry):,} / {entry.asked:,}"),
            Text(self._score(entry)),
            *(Text(_value(entry.spec.config.get(key))) for key in self._keys),
        ]

    def _headline(self) -> str:
        return f"{self._title}: {len(self._told)} of {self._total} trials ended"

    def _footline(self, entries: list[Entry]) -> str:
        finished = [entry for entry in entries if entry.status == "completed"]
        best = min(finished, key=_measured, default=None)
        counts = [
            f"{sum(entry.status == status for entry in entries)} {status}"
            for status in ("stopped", "diverged", "failed")
        ]
        elapsed = time.monotonic() - self._began
        done = len(self._told) - self._before
        left = f"about {clock(elapsed / done * (self._total - len(self._told)))}" if done else "not known yet"
        champion = "none yet" if best is None else f"{self._score(best)} (trial {best.trial})"
        return f"best so far: {champion} · {', '.join(counts)} · elapsed {clock(elapsed)} · left: {left}"

    def _line(self, entry: Entry) -> None:
        if self._live is None and self._notebook is None:
            self._console.print(
                f"{self._headline()} · {entry.trial} {entry.status} "
                f"at {entry.iterations:,} / {entry.asked:,}, {LABELS[self._metric]} {self._score(entry)}"
                + (f": {entry.error}" if entry.error else ""),
                highlight=False,
                soft_wrap=True,
            )

    def _iterations(self, entry: Entry) -> int:
        seen = self._crew.seen.get(entry.trial) if entry.running else None
        return entry.iterations if seen is None else max(entry.iterations, int(seen[TIME]))

    def _score(self, entry: Entry) -> str:
        seen = self._crew.seen.get(entry.trial) if entry.running else None
        if seen is None and entry.measured is None:
            return "–"
        score = seen[SCORE] if seen is not None else entry.measured and entry.measured.score
        if entry.status == "diverged" or score is None:
            return "diverged"
        return f"{score:.2e}"


def _measured(entry: Entry) -> float:
    return float("inf") if entry.measured is None else entry.measured.value


def _value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def clock(seconds: float) -> str:
    """Minutes and seconds, for people."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
