"""What the page answers, without a server: the last report at once, the log, what is missing below."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dgm_cli.dashboard.follow import Shown
from dgm_cli.dashboard.page import Page
from dgm_cli.dashboard.reports import Report
from studies.records.log import LOG, read_log
from studies.records.overview import overview
from tests.cli.dashboard.conftest import made_run


@pytest.fixture
def page(tmp_path: Path) -> Page:
    folder = made_run(tmp_path / "results" / "one")
    shown = Shown("study/one", folder, Report(folder, tmp_path / "work"), overview(folder))
    return Page([shown], [], ["Prometheus is not installed."])


def text(page: Page, path: str) -> str:
    answer = page.answer(path, "127.0.0.1")
    assert answer is not None
    return answer[2]


def test_the_last_report_is_served_at_once_with_its_time(page: Page) -> None:
    assert "is being made" in text(page, "/runs/0/report")
    assert "report made" not in text(page, "/runs/0/state")
    report = page.shown[0].folder / "report.html"
    report.write_text("<h2>Answer</h2>")
    os.utime(report, (1_790_000_000, 1_790_000_000))
    assert text(page, "/runs/0/report") == "<h2>Answer</h2>"
    assert f"report made {page.shown[0].report.made}" in text(page, "/runs/0/state")
    assert "2026-09-" in str(page.shown[0].report.made)


def test_only_a_report_made_here_may_run_scripts_and_in_an_origin_of_its_own(page: Page) -> None:
    report = page.shown[0].report
    (page.shown[0].folder / "report.html").write_text("<script>alert(1)</script>")  # a stranger's
    kind, policy, said = page.answer("/runs/0/explore", "127.0.0.1") or ("", "", "")
    assert "this page waits for it" in said
    assert "alert" not in said
    assert "unsafe-inline" not in policy
    report.path.parent.mkdir(parents=True, exist_ok=True)
    report.path.write_text("<h2>Explore</h2>")
    report.version = 1
    kind, policy, said = page.answer("/runs/0/explore", "127.0.0.1") or ("", "", "")
    assert (kind, said) == ("text/html", "<h2>Explore</h2>")
    assert "sandbox allow-scripts allow-downloads" in policy
    assert "allow-same-origin" not in policy
    assert policy.startswith("default-src 'none'")
    assert 'href="/runs/0/explore#explorer"' in text(page, "/")


def test_a_report_that_is_a_link_is_not_followed(page: Page, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine")
    (page.shown[0].folder / "report.html").symlink_to(tmp_path / "secret")
    assert "is being made" in text(page, "/runs/0/report")


def test_the_log_is_a_page_with_the_newest_event_first(page: Page) -> None:
    folder = page.shown[0].folder
    said = text(page, "/runs/0/log")
    events = read_log(folder)
    assert said.count("<tr><td>") == len(events)
    rows = [row for row in said.splitlines() if row.startswith("<tr><td>")]
    assert [row.split("</td><td>")[1] for row in rows] == [event.event for event in reversed(events)]
    assert any("learning_rate" in row and "suggested" in row for row in rows)
    assert any("goes on" in row for row in rows)
    assert 'href="/runs/0/log"' in text(page, "/")
    lines = (folder / LOG).read_text().splitlines(keepends=True)
    (folder / LOG).write_text("".join([*lines[:3], "{damaged\n", *lines[4:]]))
    assert "0 events" in text(page, "/runs/0/log")
    assert "is damaged in line 4" in text(page, "/runs/0/state")


def test_what_is_not_installed_is_said_below_the_report(page: Page) -> None:
    whole = text(page, "/")
    assert whole.index("<iframe") < whole.index("Prometheus is not installed.")
    assert "Prometheus is not installed." not in text(page, "/runs/0/state")
