"""docs/gallery.md: each problem of the catalogue solved by one command, with its equation and picture."""

from __future__ import annotations

import inspect
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from dgm_core import PROBLEMS, Problem, load_problem
from studies.records.words import counted

IMAGES = Path("images") / "gallery"
"""Below docs/: the pictures, and what each run reached."""
_REACHED = "reached.json"
_FIGURE = "solution"
_WIDTH, _COLOURS = 900, 200
SEEDS = 3
"""Replicates of each, by default."""
_PREFERRED = ("second-order", "tuned")


@dataclass(frozen=True)
class Reached:
    """What one command reached.

    rel_l2: the median over its replicates; None where half of them or more diverged.  verdict: as printed.
    seconds: of all replicates together, without the imports.
    """

    command: str
    rel_l2: float | None
    verdict: str
    replicates: int
    seconds: float


def settings_of(problem: Problem) -> str:
    """The name of the settings that a problem is shown with."""
    return next((name for name in _PREFERRED if name in problem.settings), next(iter(problem.settings)))


def make(
    docs: Path,
    only: Sequence[str],
    machine: str,
    tell: Callable[[str], None],
    *,
    seed: int = 0,
    replicates: int = SEEDS,
) -> None:
    """Solves the problems named, or all, and writes the page and its pictures below `docs`.

    What was reached before stays for the others.  Raises CalledProcessError where a command fails.
    """
    images = docs / IMAGES
    images.mkdir(parents=True, exist_ok=True)
    kept = images / _REACHED
    known: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    for name in only or list(PROBLEMS):
        reached = _solve(load_problem(name), images / f"{name}.png", seed, replicates)
        known[name] = {**asdict(reached), "machine": machine}
        known = {each: known[each] for each in PROBLEMS if each in known}
        kept.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        tell(f"{name}: {_said(known[name])}")
    (docs / "gallery.md").write_text(page(known), encoding="utf-8")


def _solve(problem: Problem, picture: Path, seed: int, replicates: int) -> Reached:
    settings = settings_of(problem)
    asked = ["solve", problem.name, "--settings", settings, "--replicates", str(replicates)]
    if seed:
        asked += ["--seed", str(seed)]
    with tempfile.TemporaryDirectory() as out:
        called = [sys.executable, "-m", "dgm_cli.main", *asked, "--name", "shown", "--out", out, "--json"]
        done = subprocess.run(called, check=True, stdout=subprocess.PIPE, text=True)
        printed = json.loads(done.stdout)
        (figure,) = Path(out).glob(f"*/shown/figures/{_FIGURE}*.png")
        _shrink(figure, picture)
    median = printed["rel_l2"]["median"]
    return Reached(
        command=f"dgm {' '.join(asked)}",
        rel_l2=median if median is not None and math.isfinite(median) else None,
        verdict=printed["verdict"],
        replicates=len(printed["replicates"]),
        seconds=printed["seconds"],
    )


def _shrink(figure: Path, picture: Path) -> None:
    """A figure for print as one for a page: fewer points and colours."""
    with Image.open(figure) as full:
        tall = round(full.height * _WIDTH / full.width)
        small = full.convert("RGB").resize((_WIDTH, tall), Image.Resampling.LANCZOS)
        small.quantize(_COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)


def page(known: Mapping[str, Mapping[str, Any]]) -> str:
    """The page, of what is known of each problem."""
    parts = [
        "# Gallery",
        "Every problem of the catalogue, with its equation, a picture, the error reached and the command "
        "that reached it. Errors are medians over the seeds of one command; [Reading a report](report.md) "
        "explains the figures. `scripts/docs gallery` makes this page: it runs the commands and draws the "
        "pictures.",
    ]
    for name, reached in known.items():
        problem = load_problem(name)
        title, equation = about(problem)
        parts += [
            f"## {name}",
            title,
            f"```text\n{equation}\n```" if equation else "",
            f"![The solution of {name} and its error]({(IMAGES / name).as_posix()}.png)",
            f"{_said(reached)}: `{reached['command']}`, {reached['seconds']:.0f} s on {reached['machine']}.",
            f"Source: {problem.source}." if problem.source else "",
        ]
    return "\n\n".join(part for part in parts if part) + "\n"


def about(problem: Problem) -> tuple[str, str]:
    """The first sentence of a problem's description, and its first equation."""
    text = inspect.getdoc(type(problem)) or inspect.getdoc(sys.modules[type(problem).__module__]) or ""
    paragraphs = text.split("\n\n")
    equations = [paragraph for paragraph in paragraphs if paragraph.startswith("    ")]
    return " ".join(paragraphs[0].split()), inspect.cleandoc(equations[0]) if equations else ""


def _said(reached: Mapping[str, Any]) -> str:
    """What came of it, in one sentence."""
    verdict = str(reached["verdict"]).rstrip(".")
    seeds = counted(reached["replicates"], "seed")
    return f"{verdict[:1].upper()}{verdict[1:]}, the median of {seeds}"
