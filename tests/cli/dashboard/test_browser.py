"""The pages in a real browser: a trial is found by its name on each of them."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.soak.process import Process
from studies.records.history import read_history
from tests.cli.dashboard.conftest import HOSTILE, Dashboard

sync_api = pytest.importorskip("playwright.sync_api", reason="the extra `browser` is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH"),
]
_PATIENCE = 120.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        # Chromium's sandbox needs rights that a container's root has not.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    opened = browser.new_page()
    opened.set_default_timeout(1000 * _PATIENCE)
    yield opened
    opened.close()


def test_the_page_has_the_best_trial_and_a_report_in_which_nothing_runs(
    dashboard: Dashboard, tab: Any
) -> None:
    tab.goto(dashboard.addresses["Page"])
    tab.get_by_text("best: trial").wait_for()
    assert tab.title() == "synthetic-search/one"
    report = tab.frame_locator("#report")
    report.get_by_text("confirm-baseline", exact=True).first.wait_for()
    report.get_by_text(HOSTILE).first.wait_for()
    assert tab.title() == "synthetic-search/one"


def test_the_explorer_opens_from_the_page_and_axe_finds_nothing_serious(
    dashboard: Dashboard, tab: Any
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        tab.goto(dashboard.addresses["Page"])
        tab.get_by_text("best: trial").wait_for()
        wrong = axe.Axe().run(tab).response["violations"]
        assert [one["id"] for one in wrong if one["impact"] in ("serious", "critical")] == []
    tab.get_by_role("link", name="Explore trials").click()
    tab.get_by_role("button", name="confirm-baseline", exact=True).click()
    tab.get_by_text("Train it again:").wait_for()


def test_optunas_dashboard_names_the_baseline(dashboard: Dashboard, tab: Any) -> None:
    address = dashboard.addresses["Optuna's dashboard"]
    tab.goto(f"{address}/studies/1/trials?numbers=0")
    tab.get_by_text("baseline").first.wait_for()


def test_tensorboard_lists_the_trials(dashboard: Dashboard, tab: Any) -> None:
    tab.goto(f"{dashboard.addresses['TensorBoard']}#timeseries")
    tab.get_by_text("confirm-winner", exact=True).first.wait_for()


@pytest.mark.ray
def test_rays_dashboard_lists_each_trial_as_an_actor(tab: Any, tmp_path: Path) -> None:
    study = ["heat-search", "--trials", "2", "--set", "iterations=100000", "--time-limit", "900"]
    process = Process(["run", *study, "--dashboard", "--out", str(tmp_path), "--name", "one"])
    try:
        deadline = time.monotonic() + 2 * _PATIENCE
        while (address := read_history(tmp_path / "heat-search" / "one").dashboard) is None:
            assert time.monotonic() < deadline
            assert process.popen.poll() is None
            time.sleep(0.5)
        tab.goto(f"{address}/#/actors")
        asked = tab.get_by_role("dialog")
        tab.get_by_text("heat-search/001").or_(asked).first.wait_for()
        if asked.count():
            token = (Path.home() / ".ray" / "auth_token").read_text().strip()
            asked.locator("input").fill(token)
            asked.get_by_role("button").last.click()
        tab.get_by_text("heat-search/001").first.wait_for()
    finally:
        process.popen.send_signal(signal.SIGINT)
        process.ended()
