"""The Grafana board of studies: `python -m dgm_cli.dashboard.board > studies.json` makes one to be imported.

Its schema is Grafana's "dashboard JSON model"; its data source has the uid "prometheus".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

_SOURCE = {"type": "prometheus", "uid": "prometheus"}
_WIDTH, _HEIGHT, _COLUMNS = 12, 8, 2
_CHOSEN = 'study=~"$study",run=~"$run"'
"""Of the studies and runs that are chosen above the panels."""


@dataclass(frozen=True)
class Panel:
    """One quantity over time.  expression: of Prometheus's; legend: a template of labels; unit: Grafana's."""

    title: str
    expression: str
    legend: str
    unit: str = "short"
    description: str = ""
    logarithmic: bool = False

    def model(self, place: int) -> dict[str, Any]:
        """In Grafana's words, in its place from left to right and down."""
        row, column = divmod(place, _COLUMNS)
        scale = {"scaleDistribution": {"type": "log", "log": 10}} if self.logarithmic else {}
        custom = {"fillOpacity": 0, "lineWidth": 2, "spanNulls": True, **scale}
        target = {"datasource": _SOURCE, "expr": self.expression, "legendFormat": self.legend, "refId": "A"}
        return {
            "id": place + 1,
            "type": "timeseries",
            "title": self.title,
            "description": self.description,
            "gridPos": {"h": _HEIGHT, "w": _WIDTH, "x": column * _WIDTH, "y": row * _HEIGHT},
            "datasource": _SOURCE,
            "fieldConfig": {"defaults": {"unit": self.unit, "custom": custom}, "overrides": []},
            "options": {
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "multi"},
            },
            "targets": [target],
        }


def _of_runs(name: str, also: str = "") -> str:
    return f"dgm_{name}{{{_CHOSEN}{also}}}"


_TRIAL = "{{run}}/{{trial}}"
PANELS = (
    Panel(
        "Trials by state",
        f"sum by (run, phase, state) ({_of_runs('trials')})",
        "{{run}} {{phase}}: {{state}}",
    ),
    Panel(
        "Best error, with the lowest and highest of its replicates",
        _of_runs("best_score"),
        "{{run}} {{metric}}: {{of}}",
        logarithmic=True,
    ),
    Panel(
        "Error of the trials under way",
        _of_runs("trial_score"),
        _TRIAL,
        description="As measured at their last rung.",
        logarithmic=True,
    ),
    Panel("Trials a minute", _of_runs("trials_per_minute"), "{{run}}"),
    Panel(
        "Time left",
        _of_runs("left_seconds"),
        "{{run}}",
        "s",
        "Worked out from the trials' own sizes and speeds.",
    ),
    Panel("Iterations per second", _of_runs("trial_iterations_per_second"), _TRIAL),
    Panel("Memory of the trials' workers", _of_runs("trial_memory_mib"), _TRIAL, "mbytes"),
    Panel("Share of time in evaluation", _of_runs("trial_evaluation_share"), _TRIAL, "percentunit"),
    Panel("Stopped at each rung", _of_runs("rung_trials", ',decision="stopped"'), "{{run}} rung {{rung}}"),
    Panel("Ray: processors in use", "ray_node_cpu_utilization * ray_node_cpu_count / 100", "{{instance}}"),
    Panel("Ray: memory in use", "ray_node_mem_used", "{{instance}}", "bytes"),
    Panel("Ray: GPUs in use, per cent", "ray_node_gpus_utilization", "{{instance}} {{GpuIndex}}", "percent"),
)


def _choice(name: str, query: str) -> dict[str, Any]:
    """What is chosen above the panels: all by default."""
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "query": {"query": query, "refId": name},
        "definition": query,
        "datasource": _SOURCE,
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def board() -> str:
    """The board as JSON."""
    choices = [
        _choice("study", "label_values(dgm_running, study)"),
        _choice("run", 'label_values(dgm_running{study=~"$study"}, run)'),
    ]
    model = {
        "uid": "dgm-studies",
        "title": "Studies",
        "tags": ["dgm"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "5s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": choices},
        "annotations": {"list": []},
        "panels": [panel.model(place) for place, panel in enumerate(PANELS)],
    }
    return json.dumps(model, indent=2)


if __name__ == "__main__":
    print(board())
