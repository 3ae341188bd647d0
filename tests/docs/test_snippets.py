"""Every command and every piece of Python in the documentation is run, or parsed by the real command line."""

from __future__ import annotations

import shlex
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from dev.docs.commands import commands
from dgm_cli.app import main
from dgm_core import extensions
from tests.docs.pages import PAGES, ROOT, Snippet, inline_commands, snippets

NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
SHELL = ("", "sh", "console")
KNOWN = dict(commands())
ELSEWHERE = {"docs/ray-tune.md": "tests/studies/tune/test_plain.py"}
"""Pages that a test runs which looks at what comes out."""


def parse(line: str) -> None:
    """Has the real parser take a command, with everything that it checks before it runs."""
    words = shlex.split(line)
    assert words[0] == "dgm"
    count = 2 if " ".join(words[1:3]) in KNOWN else 1
    name = " ".join(words[1 : 1 + count])
    assert name in KNOWN, f"{line!r}: there is no command {name!r}"
    rest = words[1 + count :]
    if rest and rest != ["--help"]:
        KNOWN[name].make_context(name, rest)


def check(line: str) -> None:
    """A line that is shown and not run: its command, script or extras exist."""
    if "&&" in line:
        for part in line.split("&&"):
            check(part.strip())
        return
    if line.startswith("dgm ") and "…" not in line:
        parse(line)
    word = line.split()[0]
    if word.startswith("scripts/"):
        assert (ROOT / word).exists(), line
    if word.endswith("pip") and "'.[" in line:
        extras = line.partition("'.[")[2].partition("]")[0].split(",")
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert set(extras) <= set(project["optional-dependencies"]), line


def dgm(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", shlex.split(line))
    with pytest.raises(SystemExit) as ending:
        main()
    assert ending.value.code in (0, None), line


def execute(snippet: Snippet, module: ModuleType) -> None:
    code = compile("\n" * snippet.line + snippet.text, snippet.page, "exec")
    exec(code, module.__dict__)


def starts_ray(snippet: Snippet) -> bool:
    return snippet.mark == "ray" or (snippet.runs and any(c.startswith("dgm run") for c in snippet.commands))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_files: None) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", NAMES)
def test_commands_of_a_page_parse(page: str) -> None:
    for snippet in snippets(ROOT / page):
        if snippet.language in SHELL:
            for line in snippet.commands:
                check(line)
    for command in inline_commands(ROOT / page):
        check(command)


def pages_with(*, ray: bool) -> list[Any]:
    """Pages that have something to run, those that start Ray marked so."""
    chosen = []
    for name, page in zip(NAMES, PAGES, strict=True):
        if name in ELSEWHERE:
            continue
        active = [s for s in snippets(page) if s.runs or (s.language == "python" and s.mark != "shown")]
        if active and any(starts_ray(s) for s in active) == ray:
            chosen.append(name)
    return chosen


def added(snippet: Snippet, line: str, number: int) -> str:
    """Options of its mark; and a name, since two runs of one second would have the same."""
    if not line.startswith(("dgm solve", "dgm run")):
        return ""
    name = "" if "--name" in line else f" --name line-{snippet.line}-{number}"
    return f" {snippet.options}{name}"


def play(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs a page from top to bottom, in one folder and one Python namespace."""
    module = ModuleType("__main__")
    for snippet in snippets(ROOT / page):
        if snippet.language == "python" and snippet.mark != "shown":
            execute(snippet, module)
        if snippet.runs:
            if "without report" in snippet.mark:
                monkeypatch.setattr("analysis.report.make_report", lambda folder: [])
            for number, line in enumerate(snippet.commands):
                dgm(line + added(snippet, line, number), monkeypatch)


@pytest.mark.parametrize("page", pages_with(ray=False))
def test_a_page_runs(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(page, monkeypatch)
    extensions.unload()


@pytest.mark.ray
@pytest.mark.parametrize("page", pages_with(ray=True))
def test_a_page_that_starts_ray_runs(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(page, monkeypatch)
    extensions.unload()


def test_a_wrong_command_would_be_seen() -> None:
    for line, told in (
        ("dgm sovle heat", "no command 'sovle'"),
        ("dgm solve heat --iteration 5", "No such option"),
        ("dgm run heat-search --trials many", "valid integer"),
    ):
        with pytest.raises((AssertionError, typer.TyperException)) as error:
            check(line)
        assert told in (getattr(error.value, "message", "") or str(error.value))


@pytest.mark.parametrize("page", NAMES)
def test_no_page_is_half_merged(page: str) -> None:
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith(("<<<<<<<", ">>>>>>>"))] == []
