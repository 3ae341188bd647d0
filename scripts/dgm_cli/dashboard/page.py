"""The page that links the tools, with the state of the runs and their reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from dgm_cli.dashboard.follow import Shown
from dgm_cli.dashboard.logbook import lines
from dgm_cli.dashboard.metrics import exposition, ray_targets
from dgm_cli.dashboard.monitoring import METRICS, TARGETS
from dgm_cli.dashboard.tools import Running
from dgm_cli.verdicts import best_line, best_words
from studies.records import LABELS, words
from studies.records.log import LogError, read_log

_POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'"
_REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-same-origin"
"""Of a run's report, which may be a stranger's: nothing in it is executed, or fetched from elsewhere."""
_EXPLORER_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:; "
    "sandbox allow-scripts allow-downloads"
)
"""Of a report that was made here, whose scripts are this program's: they run in an origin of their own,
which reaches no page of the dashboard, and fetch nothing."""
_ASSETS = {"page.css": "text/css", "page.js": "text/javascript"}


@dataclass(frozen=True)
class Link:
    """A tool as the page names it: its address, or why it has none."""

    name: str
    address: str | None
    note: str


class Page:
    """What the page's server answers.

    running: the tools; left_out: sentences on those that are missing.
    """

    def __init__(self, shown: Sequence[Shown], running: Sequence[Running], left_out: list[str]) -> None:
        self.shown = shown
        self.running = running
        self.left_out = left_out
        self.templates = Environment(
            loader=PackageLoader("dgm_cli.dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def links(self, host: str) -> list[Link]:
        """The tools, as someone reaches them who reached this page at `host`."""
        links = [
            Link(
                each.tool.name,
                f"http://{host}:{each.port}{each.tool.path}" if each.alive else None,
                "" if each.alive else "has ended",
            )
            for each in self.running
        ]
        return [*self._ray(), *links]

    def _ray(self) -> list[Link]:
        """Ray's dashboards, of the runs that go on."""
        links = []
        for shown in self.shown:
            if shown.overview is None or shown.overview.owner is None:
                continue
            name = "Ray's dashboard" + (f" of {shown.name}" if len(self.shown) > 1 else "")
            address = shown.overview.history.dashboard
            note = "" if address else "the run was started without --dashboard"
            links.append(Link(name, address, note))
        return links or [Link("Ray's dashboard", None, "no run goes on")]

    def answer(self, path: str, host: str) -> tuple[str, str, str] | None:
        """Type, policy and text of a path, for someone who asked `host`; None where there is none."""
        if path == METRICS:
            return "text/plain; version=0.0.4", _POLICY, exposition(self.shown)
        if path == TARGETS:
            return "application/json", _POLICY, ray_targets(self.shown)
        parts = [part for part in path.split("/") if part]
        if len(parts) == 1 and parts[0] in _ASSETS:
            return _ASSETS[parts[0]], _POLICY, _asset(parts[0])
        if not parts and len(self.shown) > 1:
            return "text/html", _POLICY, self._render("runs.html.j2", host, shown=self.shown)
        if not parts:
            return "text/html", _POLICY, self._render("run.html.j2", host, place=0, run=self.shown[0])
        if parts[0] != "runs" or len(parts) not in (2, 3) or not parts[1].isdecimal():
            return None
        place = int(parts[1])
        if place >= len(self.shown):
            return None
        run, part = self.shown[place], parts[2] if len(parts) == 3 else ""
        run.report.want()
        if part == "report":
            return "text/html", _REPORT_POLICY, run.report.text() or _NOTHING
        if part == "explore":
            made = run.report.own()
            if made is None:
                return "text/html", _POLICY, self._render("waiting.html.j2", host, place=place, run=run)
            return "text/html", _EXPLORER_POLICY, made
        if part == "log":
            return "text/html", _POLICY, self._log(host, place, run)
        if part in ("", "state"):
            name = "state.html.j2" if part else "run.html.j2"
            return "text/html", _POLICY, self._render(name, host, place=place, run=run)
        return None

    def _log(self, host: str, place: int, run: Shown) -> str:
        """The run's log, as far as it can be read."""
        try:
            events = read_log(run.folder)
        except LogError as error:
            events, run.trouble = [], str(error)
        values: dict[str, Any] = {"place": place, "run": run, "lines": lines(events), "total": len(events)}
        return self._render("log.html.j2", host, **values)

    def _render(self, name: str, host: str, **values: Any) -> str:
        shared = {"links": self.links(host), "left_out": self.left_out, "labels": LABELS, "words": words}
        shared |= {"best_words": best_words, "best_line": best_line}
        return self.templates.get_template(name).render(many=len(self.shown) > 1, **shared, **values)


_NOTHING = "<!doctype html><title>report</title><p>The report is being made.</p>"


def _asset(name: str) -> str:
    return (resources.files("dgm_cli.dashboard") / "templates" / name).read_text(encoding="utf-8")
