"""How runs stand, as numbers that Prometheus gathers."""

from __future__ import annotations

import json
import math
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from dgm_cli.dashboard.follow import Shown
from studies.records import TELEMETRY_COLUMNS
from studies.records.overview import Overview

_RUN = ("study", "run")
_DISCOVERY = "/api/prometheus/sd"
_SECONDS = 5.0


def exposition(shown: Sequence[Shown]) -> str:
    """All runs in Prometheus's text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Runs([each.overview for each in shown if each.overview is not None]))
    return generate_latest(registry).decode()


def ray_targets(shown: Sequence[Shown]) -> str:
    """Where the Rays of the runs that go on show their own numbers, for Prometheus's HTTP discovery.

    A Ray that does not answer has none.  One of another machine is not asked: the address is a record's, and
    a stranger's record is not told the token.
    """
    targets: list[Any] = []
    for each in shown:
        if each.overview is not None and each.overview.owner is not None:
            address = each.overview.history.dashboard
            if address and urlsplit(address).hostname in _own_addresses():
                targets += _targets(address)
    return json.dumps(targets)


def _own_addresses() -> set[str]:
    return {
        interface_address.address
        for interface in psutil.net_if_addrs().values()
        for interface_address in interface
    }


def _targets(dashboard: str) -> list[Any]:
    request = urllib.request.Request(dashboard.rstrip("/") + _DISCOVERY, headers=_token())
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            targets = json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return []
    return targets if isinstance(targets, list) else []


def _token() -> dict[str, str]:
    """The token of this user's Rays, where they have one, from where Ray looks for it too."""
    token = os.environ.get("RAY_AUTH_TOKEN", "")
    if not token:
        path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
        with suppress(OSError):
            token = path.read_text()
    return {"Authorization": f"Bearer {token.strip()}"} if token else {}


class _Runs(Collector):
    """The gauges of runs.  Of single trials only those under way have some: their number is bounded."""

    def __init__(self, overviews: Sequence[Overview]) -> None:
        self._overviews = overviews

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield self._each("dgm_running", "Whether a process holds the run.", lambda run: run.owner is not None)
        yield self._each("dgm_elapsed_seconds", "For which the run has run.", lambda run: run.seconds)
        yield self._each("dgm_left_seconds", "Until the run ends, as forecast.", lambda run: run.left)
        yield self._each("dgm_trials_per_minute", "Trials that end, a minute.", lambda run: run.rate)
        yield self._each(
            "dgm_iterations_run", "Iterations of all trials, as far as they count.",
            lambda run: sum(entry.iterations for entry in run.history.entries.values()),
        )  # fmt: skip
        trials = GaugeMetricFamily(
            "dgm_trials", "Trials by phase and state.", labels=[*_RUN, "phase", "state"]
        )
        best = GaugeMetricFamily(
            "dgm_best_score", "Of the best trial, and of its replicates.", labels=[*_RUN, "metric", "of"]
        )
        rungs = GaugeMetricFamily(
            "dgm_rung_trials", "Trials looked at, and stopped, at a rung.", labels=[*_RUN, "rung", "decision"]
        )
        live = {
            column: GaugeMetricFamily(f"dgm_trial_{column}", "Of a trial under way.", labels=[*_RUN, "trial"])
            for column in ("score", "iterations", *TELEMETRY_COLUMNS)
        }
        for run in self._overviews:
            run_labels = _names(run)
            for phase, states in run.phases.items():
                for state, count in states.items():
                    trials.add_metric([*run_labels, phase, state], count)
            for rung, (looked, stopped) in run.rungs.items():
                rungs.add_metric([*run_labels, str(rung), "stopped"], stopped)
                rungs.add_metric([*run_labels, str(rung), "went on"], looked - stopped)
            if run.best is not None:
                low, high = run.best.spread
                values = {"median": run.best.score, "lowest": low, "highest": high}
                for name, value in values.items():
                    best.add_metric([*run_labels, run.record.metric, name], value)
            for entry in run.history.entries.values():
                if entry.running and run.owner is not None:
                    telemetry = {"score": entry.score, "iterations": entry.iterations, **entry.telemetry}
                    for column, number in telemetry.items():
                        if math.isfinite(number):
                            live[column].add_metric([*run_labels, entry.trial], number)
        yield from (trials, best, rungs, *live.values())

    def _each(self, name: str, says: str, of: Any) -> GaugeMetricFamily:
        family = GaugeMetricFamily(name, says, labels=list(_RUN))
        for run in self._overviews:
            value = of(run)
            if value is not None:
                family.add_metric(list(_names(run)), float(value))
        return family


def _names(run: Overview) -> tuple[str, str]:
    return run.record.name, run.record.run
