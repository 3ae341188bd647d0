"""The documentation in a real browser: every page is accessible, fits its window, and shows no error."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.docs import site

sync_api = pytest.importorskip("playwright.sync_api", reason="the extra `browser` is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytest.importorskip("zensical", reason="the extra docs is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH"),
]
WIDTHS = (390, 820, 1400)
"""Of a phone, a tablet and a desktop, in pixels."""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Addresses of the site's pages, served as a static host does."""
    folder = tmp_path_factory.mktemp("site")
    site.build(folder)
    root = folder / "site"
    handler = functools.partial(_Quiet, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"http://127.0.0.1:{server.server_port}"
        yield [f"{host}/{_place(made, root)}" for made in sorted(root.rglob("index.html"))]
        server.shutdown()


def _place(made: Path, root: Path) -> str:
    folder = made.parent.relative_to(root).as_posix()
    return "" if folder == "." else f"{folder}/"


@pytest.fixture
def tab() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        # Chromium's sandbox needs rights that a container's root has not.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def test_every_page_is_accessible_and_fits_a_phone_a_tablet_and_a_desktop(pages: list[str], tab: Any) -> None:
    wrong: list[str] = []
    tab.on("pageerror", lambda error: wrong.append(f"{tab.url}: {error}"))
    for address in pages:
        tab.goto(address)
        for width in WIDTHS:
            tab.set_viewport_size({"width": width, "height": 900})
            beyond = tab.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if beyond > 0:
                wrong.append(f"{address} is {beyond} pixels too wide at {width}")
        wrong.extend(
            f"{address}: {finding['id']}, {finding['help']}"
            for finding in axe.Axe().run(tab).response["violations"]
            if finding["impact"] in ("serious", "critical")
        )
    assert len(pages) > 20
    assert wrong == []
