"""`dgm dashboard`: what its parts show of a run, on which interface, and that nothing outlives it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dgm_cli.dashboard.board import board
from tests.cli.dashboard.conftest import HOSTILE, Dashboard, made_run, opened
from tests.studies.running.synthetic import SEARCH
from tests.studies.tune.test_session import addresses

_PATIENCE = 600.0


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:
        return str(answer.read().decode())


def fetched_json(url: str) -> Any:
    return json.loads(fetched(url))


def eventually(url: str, wanted: str) -> str:
    """A page's text, as soon as it holds what is wanted."""
    deadline = time.monotonic() + _PATIENCE
    while wanted not in (text := fetched(url)):
        assert time.monotonic() < deadline, text
        time.sleep(0.5)
    return text


def test_the_page_says_how_the_run_stands(dashboard: Dashboard) -> None:
    page = dashboard.addresses["Page"]
    text = eventually(page, "best: trial")
    assert "stopped at rung" in text
    for name, address in dashboard.addresses.items():
        if name != "Page":
            assert address in text


def test_the_report_is_made_outside_the_run_and_nothing_in_it_is_executed(
    dashboard: Dashboard, run: Path
) -> None:
    before = sorted(path.name for path in run.iterdir())
    page = dashboard.addresses["Page"]
    report = eventually(f"{page}runs/0/report", "<h2>Answer</h2>")
    assert sorted(path.name for path in run.iterdir()) == before
    state = fetched(f"{page}runs/0/state")
    for text in (report, state):
        assert HOSTILE not in text
        assert "&lt;script&gt;" in text
    with urllib.request.urlopen(f"{page}runs/0/report") as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_optuna_shows_every_trial_by_its_name(dashboard: Dashboard) -> None:
    base = dashboard.addresses["Optuna's dashboard"].removesuffix("/dashboard")
    eventually(f"{base}/api/studies", f"{SEARCH.name}/one")
    deadline = time.monotonic() + _PATIENCE
    while len(trials := fetched_json(f"{base}/api/studies/1?after=0")["trials"]) <= SEARCH.trials:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    names = [attr["value"] for trial in trials for attr in trial["user_attrs"] if attr["key"] == "trial"]
    assert sorted(name.strip('"') for name in names)[-1] == "baseline"
    assert {trial["state"] for trial in trials} == {"Complete", "Pruned"}


def test_tensorboard_has_a_curve_for_each_term_of_each_trial(dashboard: Dashboard) -> None:
    base = dashboard.addresses["TensorBoard"]
    eventually(f"{base}data/plugin/scalars/tags", "confirm-baseline")
    tags = fetched_json(f"{base}data/plugin/scalars/tags")
    assert {f"{number:03d}" for number in range(1, SEARCH.trials + 1)} <= tags.keys()
    assert {"score", "final_score", "loss/total", "loss/a", "loss/d"} <= tags["001"].keys()


def test_the_page_tells_its_numbers_to_prometheus(dashboard: Dashboard) -> None:
    text = eventually(f"{dashboard.addresses['Page']}metrics", "dgm_best_score")
    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    trials = [(sample.labels["phase"], sample.value) for sample in families["dgm_trials"]]
    assert sum(count for phase, count in trials if phase == "search") == SEARCH.trials
    assert sum(count for phase, count in trials if phase == "confirm") > 0
    best = {sample.labels["of"]: sample.value for sample in families["dgm_best_score"]}
    assert best["lowest"] <= best["median"] <= best["highest"]
    assert [sample.value for sample in families["dgm_running"]] == [0.0]
    assert fetched_json(f"{dashboard.addresses['Page']}ray-targets") == []


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed")
def test_prometheus_gathers_them_and_understands_every_panel_of_the_board(dashboard: Dashboard) -> None:
    base = dashboard.addresses["Prometheus"].removesuffix("/graph")
    eventually(f"{base}/api/v1/query?query=dgm_trials", SEARCH.name)
    asked = [
        re.sub(r"\$(study|run)", ".*", target["expr"])
        for panel in json.loads(board())["panels"]
        for target in panel["targets"]
    ]
    assert len(asked) > 10
    answers = {one: fetched_json(f"{base}/api/v1/query?{urlencode({'query': one})}") for one in asked}
    assert {answer["status"] for answer in answers.values()} == {"success"}
    shown = [one for one, answer in answers.items() if answer["data"]["result"]]
    assert len([one for one in shown if re.search("dgm_(trials|best_score|rung_trials)", one)]) == 3


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's table of sockets")
def test_only_the_loopback_interface_is_listened_on(dashboard: Dashboard) -> None:
    listening = {address for pid in dashboard.process.family() for address in addresses(pid)}
    assert listening
    assert all(socket.inet_aton(address)[0] == 127 for address in listening), listening


def test_ctrl_c_ends_all_of_it(dashboard: Dashboard) -> None:
    assert len(dashboard.process.family()) > 2
    dashboard.process.popen.send_signal(signal.SIGINT)
    code, said = dashboard.process.ended()
    assert (code, said) == (0, "")
    assert dashboard.process.left()[0] == 0


def test_what_is_not_installed_is_left_out_and_a_killed_dashboard_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['tensorboard'] = None\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    temporary = tmp_path / "temporary"  # of its own: whichever dashboard starts next would clear what is left
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    made_run(tmp_path / "results" / "a" / "one")
    made_run(tmp_path / "results" / "b" / "two")
    found = opened(tmp_path / "results")
    assert set(found.addresses) - {"Prometheus", "Grafana"} == {"Page", "Optuna's dashboard"}
    (sentence,) = (line for line in found.said if "TensorBoard" in line)
    assert "not installed (pip install" in sentence
    assert "[dashboards]" in sentence
    index = eventually(found.addresses["Page"], "MAE")
    assert "a/one" in index
    assert "b/two" in index
    assert sentence.replace("'", "&#39;") in index
    eventually(f"{found.addresses['Page']}runs/1/state", "best: trial")
    found.process.popen.kill()
    found.process.ended()
    assert found.process.left()[0] == 0
    (left,) = temporary.glob(f"dgm-dashboard-{found.process.popen.pid}-*")
    again = opened(tmp_path / "results")
    again.process.popen.send_signal(signal.SIGINT)
    assert again.process.ended()[0] == 0
    assert not left.exists()


def refused(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "dgm_cli.main", "dashboard", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    return line


def test_what_cannot_be_shown_or_served_is_said_in_one_sentence(run: Path, tmp_path: Path) -> None:
    assert "is not a run" in refused(tmp_path)
    assert "is not a run" in refused(tmp_path / "absent")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port}: Address already in use" in refused(run, "--port", str(port))
    assert "nothing can be served at --host 203.0.113.1" in refused(run, "--host", "203.0.113.1")
    assert "port 70000: no such port" in refused(run, "--port", "70000")
