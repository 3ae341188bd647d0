"""Prometheus and Grafana: numbers of the runs and of their Rays over time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from dgm_cli.dashboard.board import board
from dgm_cli.dashboard.tools import Tool, Workspace

PAGE = "Page"
METRICS = "/metrics"
TARGETS = "/ray-targets"
_SECONDS = 5
_GRAFANA_HOME = ("/usr/share/grafana", "/usr/local/share/grafana", "/opt/homebrew/opt/grafana/share/grafana")


def _prometheus(host: str, port: int, workspace: Workspace) -> list[str]:
    page = workspace.addresses[PAGE]
    every = f"{_SECONDS}s"
    config = {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "scrape_configs": [
            {"job_name": "dgm", "static_configs": [{"targets": [page.removeprefix("http://")]}]},
            {"job_name": "ray", "http_sd_configs": [{"url": page + TARGETS, "refresh_interval": every}]},
        ],
    }
    place = workspace.folder / "prometheus"
    place.mkdir(exist_ok=True)
    (place / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    name = f"[{host}]" if ":" in host else host
    return [
        "prometheus", f"--config.file={place / 'prometheus.yml'}", f"--storage.tsdb.path={place / 'data'}",
        f"--web.listen-address={name}:{port}",
    ]  # fmt: skip


def _grafana(host: str, port: int, workspace: Workspace) -> list[str]:
    place = workspace.folder / "grafana"
    boards, provisioning = place / "boards", place / "provisioning"
    for folder in (boards, provisioning / "datasources", provisioning / "dashboards"):
        folder.mkdir(parents=True, exist_ok=True)
    (boards / "studies.json").write_text(board())
    source = {
        "name": PROMETHEUS.name, "type": "prometheus", "uid": "prometheus", "isDefault": True,
        "access": "proxy", "url": workspace.addresses.get(PROMETHEUS.name, "http://127.0.0.1:9090"),
    }  # fmt: skip
    provider = {"name": "dgm", "type": "file", "options": {"path": str(boards)}}
    (provisioning / "datasources/prometheus.yaml").write_text(
        json.dumps({"apiVersion": 1, "datasources": [source]})
    )
    (provisioning / "dashboards/dgm.yaml").write_text(json.dumps({"apiVersion": 1, "providers": [provider]}))
    settings: dict[str, dict[str, object]] = {
        "server": {"http_addr": host, "http_port": port},
        "paths": {"data": place / "data", "logs": place / "logs", "provisioning": provisioning},
        "analytics": {"reporting_enabled": "false", "check_for_updates": "false"},
        "auth.anonymous": {"enabled": "true", "org_role": "Viewer"},
    }
    lines = [
        f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())
        for section, values in settings.items()
    ]
    (place / "grafana.ini").write_text("\n".join(lines))
    home = next((folder for folder in _GRAFANA_HOME if Path(folder).is_dir()), _GRAFANA_HOME[0])
    return ["grafana", "server", f"--config={place / 'grafana.ini'}", f"--homepath={home}"]


def _program(name: str, command: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        if shutil.which(command) is not None:
            return None
        return f"{name} is left out: there is no program {command!r} on the path."

    return missing


PROMETHEUS = Tool("Prometheus", "/graph", _prometheus, _program("Prometheus", "prometheus"))
GRAFANA = Tool("Grafana", "/d/dgm-studies", _grafana, _program("Grafana", "grafana"))
