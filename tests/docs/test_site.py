"""The site builds without a wrong link, and the pages made from the code are what the code says now."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest
import yaml

from dev.docs import commands, gallery, settings, site
from dev.docs.fields import described
from dgm_core import PROBLEMS, load_problem
from dgm_core.training import TrainConfig
from studies.study import Ablation, Resources, Search

DOCS = site.ROOT / "docs"


def test_the_site_builds_strictly(tmp_path: Path) -> None:
    """Zensical checks every link and anchor; each page of the folder is in the navigation."""
    pytest.importorskip("zensical", reason="the extra docs is not installed")
    site.build(tmp_path)
    for page in (tmp_path / "pages").rglob("*.md"):
        place = page.relative_to(tmp_path / "pages").with_suffix("").as_posix()
        made = tmp_path / "site" / ("" if place == "index" else place) / "index.html"
        assert made.is_file(), f"{place} is missing"
    html = (tmp_path / "site/api/problems/index.html").read_text()
    assert "InitialVelocity" in html
    named = json.dumps(yaml.load(_config(), Loader=yaml.SafeLoader)["nav"])
    listed = set(re.findall(r'"([\w/-]+\.md)"', named))
    there = {p.relative_to(tmp_path / "pages").as_posix() for p in (tmp_path / "pages").rglob("*.md")}
    assert listed == there


def _config() -> str:
    return (DOCS / "site.yml").read_text(encoding="utf-8")


def test_a_wrong_link_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("zensical", reason="the extra docs is not installed")
    gather = site.gather

    def spoilt(pages: Path) -> None:
        gather(pages)
        with (pages / "glossary.md").open("a") as file:
            file.write("\n[nowhere](settings.md#no-such-setting)\n")

    monkeypatch.setattr(site, "gather", spoilt)
    with pytest.raises(site.subprocess.CalledProcessError):
        site.build(tmp_path)


@pytest.mark.parametrize("name", ["settings", "commands"])
def test_pages_made_from_the_code_are_current(name: str) -> None:
    page = {"settings": settings.page, "commands": commands.page}[name]
    written = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert written == page(), "scripts/docs write brings it up to date"


@pytest.mark.parametrize("cls", [TrainConfig, Search, Ablation, Resources])
def test_every_field_is_described(cls: type) -> None:
    fields = {field.name: field for field in described(cls)}
    expected = set(cls.model_fields) if cls is TrainConfig else {f.name for f in dataclasses.fields(cls)}
    assert set(fields) == expected
    assert [name for name, field in fields.items() if len(field.text) < 15] == []


def test_ranges_are_those_that_are_enforced() -> None:
    fields = {field.name: field for field in described(TrainConfig)}
    assert fields["depth"].range == "≥ 1, ≤ 64"
    assert fields["dropout"].range == "≥ 0, < 1"
    assert {field.name: field for field in described(Search)}["trials"].range == "≥ 1, ≤ 1\u202f000\u202f000"


def test_the_gallery_shows_every_problem_as_its_runs_left_it() -> None:
    known = json.loads((DOCS / gallery.IMAGES / "reached.json").read_text(encoding="utf-8"))
    assert list(known) == list(PROBLEMS)
    assert (DOCS / "gallery.md").read_text(encoding="utf-8") == gallery.page(known)
    for name, reached in known.items():
        assert (DOCS / gallery.IMAGES / f"{name}.png").is_file()
        settings_name = gallery.settings_of(load_problem(name))
        assert f"dgm solve {name} --settings {settings_name} " in f"{reached['command']} "


def test_a_gallery_is_made_by_the_commands_that_it_names(tmp_path: Path) -> None:
    told: list[str] = []
    gallery.make(tmp_path, ["exponential-decay"], "a test", told.append, seed=7, replicates=2)
    page = (tmp_path / "gallery.md").read_text(encoding="utf-8")
    assert "2 seeds: `dgm solve exponential-decay --settings second-order --replicates 2 --seed 7`" in page
    assert "y' = −k y" in page
    assert (tmp_path / gallery.IMAGES / "exponential-decay.png").stat().st_size > 10_000
    assert told[0].startswith("exponential-decay: Solved to ")
