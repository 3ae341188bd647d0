"""The live table: every trial's state while a study runs."""

from __future__ import annotations

import io
import time
from typing import Any

from ray import tune
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dgm_core import Status
from studies.records import LABELS
from studies.running.entries import TrialEntry
from studies.running.journal import Journal
from studies.running.trainable import PENALTY, SCORE

STYLES = {
    None: "bold cyan",
    Status.COMPLETED: "green",
    Status.STOPPED: "yellow",
    Status.DIVERGED: "red",
    Status.FAILED: "bold red",
    Status.INTERRUPTED: "magenta",
}


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


class LiveTable(tune.Callback):
    """Draws running trials, the last ones to end, the best so far and an estimate of the time left.

    On a console that is no terminal it prints a line as each trial ends instead.
    """

    def __init__(
        self, journal: Journal, *, title: str, total: int, keys: list[str], console: Console
    ) -> None:
        self._journal = journal
        self._title = title
        self._total = total
        self._keys = keys
        self._console = console
        self._live: Live | None = None
        self._notebook: NotebookView | None = None
        self._drawn = 0.0
        self._started = time.time()

    def setup(self, *arguments: Any, **info: Any) -> None:
        self._started = time.time()
        self._live = None
        if self._console.is_jupyter:
            self._notebook = NotebookView()
        elif self._console.is_terminal:
            self._live = Live(self.render(), console=self._console, auto_refresh=False, redirect_stdout=False)
            self._live.start()

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        now = time.time()
        if now - self._drawn > 0.25:
            self._drawn = now
            self._draw()

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._line(trial)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._line(trial)

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        self.close()

    def close(self) -> None:
        """Draws once more and gives the terminal back."""
        self._draw()
        if self._live is not None:
            self._live.stop()
        self._live = self._notebook = None

    def _draw(self) -> None:
        if self._live is not None:
            self._live.update(self.render(), refresh=True)
        elif self._notebook is not None:
            self._notebook.show(self.render())

    def __getstate__(self) -> dict[str, Any]:
        # A terminal cannot be pickled with the experiment; `setup` makes a new one.
        return {**self.__dict__, "_live": None, "_notebook": None, "_console": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._console = Console(stderr=True)

    def render(self) -> Group:
        """The table as it stands."""
        entries = list(self._journal.entries.values())
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
        return Group(Text(self._headline(entries), style="bold"), table, Text(self._footline(entries)))

    @property
    def _metric(self) -> str:
        entries = list(self._journal.entries.values())
        return entries[0].setup.problem.metric if entries else "mae"

    def _row(self, entry: TrialEntry) -> list[Text]:
        status = entry.status
        config = entry.setup.flat()
        state = Text("running" if status is None else str(status), style=STYLES[status])
        asked = entry.setup.config.iterations
        return [
            Text(entry.trial),
            state,
            Text(f"{entry.iterations:,} / {asked:,}"),
            Text(_score(entry)),
            *(Text(_value(config.get(key))) for key in self._keys),
        ]

    def _headline(self, entries: list[TrialEntry]) -> str:
        done = sum(not entry.running for entry in entries)
        return f"{self._title}: {done} of {self._total} trials ended"

    def _footline(self, entries: list[TrialEntry]) -> str:
        finished = [entry for entry in entries if entry.status == Status.COMPLETED]
        best = min(finished, key=lambda entry: entry.result[SCORE], default=None)
        counts = [
            f"{sum(entry.status == status for entry in entries)} {status}"
            for status in (Status.STOPPED, Status.DIVERGED, Status.FAILED)
        ]
        elapsed = time.time() - self._started
        done = sum(not entry.running for entry in entries)
        left = f"about {_clock(elapsed / done * (self._total - done))}" if done else "not known yet"
        champion = "none yet" if best is None else f"{_score(best)} (trial {best.trial})"
        return f"best so far: {champion} · {', '.join(counts)} · elapsed {_clock(elapsed)} · left: {left}"

    def _line(self, trial: Any) -> None:
        if self._live is None and self._notebook is None:
            entry = self._journal.entries[trial.trial_id]
            status = entry.status or "running"
            score = f"{LABELS[self._metric]} {_score(entry)}"
            self._console.print(
                f"{self._headline(list(self._journal.entries.values()))} · {entry.trial} {status} "
                f"at {entry.iterations:,} / {entry.setup.config.iterations:,}, {score}",
                highlight=False,
                soft_wrap=True,
            )


def _score(entry: TrialEntry) -> str:
    values = entry.result.get("replicates", {}).get("scores")
    if not values:
        return "–"
    if entry.status == Status.DIVERGED or entry.result[SCORE] >= PENALTY:
        return "diverged"
    return f"{entry.result[SCORE]:.2e}"


def _value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
