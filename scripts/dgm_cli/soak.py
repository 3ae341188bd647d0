"""`scripts/soak`: a study that is killed again and again must come out as if nothing had happened."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import typer

from dgm_cli.common import messages
from dgm_cli.faults import FAULTS, Process, differences, wait_for_log
from studies.records import STUDY

STUDIES = {
    "search": [
        "run",
        "heat-search",
        "--quick",
        "--trials",
        "6",
        "--replicates",
        "2",
        "--time-limit",
        "100000",
        "--set",
        "iterations=800",
        "--set",
        "depth=2",
    ],
    "ablation": [
        "run",
        "heat-batch-size",
        "--arms",
        "4;64;256",
        "--iterations",
        "1500",
        "--replicates",
        "2",
    ],
}
_GROWTH = (400, 4_000)
"""Bytes by which the log grows between one fault and the next; the first line of a process has fewer."""


@dataclass
class Row:
    """What became of one kind of fault."""

    fault: str
    injected: int = 0
    went_on: int = 0
    resumed: int = 0
    lost: int = 0
    left: int = 0


@dataclass
class Story:
    """One study from its beginning to its end, through its faults."""

    name: str
    faults: list[str]
    equal: bool
    differing: list[str]


def soak(
    minutes: Annotated[float, typer.Option(help="How long to go on.")] = 10.0,
    faults: Annotated[int, typer.Option(help="Faults to inject, where the time suffices.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the choice of faults and moments.")] = 0,
    kind: Annotated[str | None, typer.Option(help="search or ablation; by default in turn.")] = None,
    each: Annotated[int, typer.Option(help="Faults in one study.")] = 5,
    out: Annotated[Path | None, typer.Option(help="Write the table here, as Markdown.")] = None,
) -> None:
    """Inject faults into studies and compare their tables with those of undisturbed ones."""
    choose = random.Random(seed)
    rows = {name: Row(name) for name in FAULTS}
    stories: list[Story] = []
    folder = Path(tempfile.mkdtemp(prefix="dgm-soak-"))
    kinds = [kind] if kind is not None else list(STUDIES)
    deadline = time.monotonic() + 60.0 * minutes
    try:
        undisturbed = {name: _undisturbed(name, folder) for name in kinds}
        while time.monotonic() < deadline and sum(row.injected for row in rows.values()) < faults:
            name = kinds[len(stories) % len(kinds)]
            run = folder / f"{name}-{len(stories)}"
            story = _disturbed(name, run, undisturbed[name], rows, choose, each)
            stories.append(story)
            messages.print(f"{name} {len(stories)}: {', '.join(story.faults)}: {_verdict(story)}")
            if story.equal:
                shutil.rmtree(run)
    finally:
        if all(story.equal for story in stories):
            shutil.rmtree(folder)
    text = table(list(rows.values()), stories)
    messages.print(text)
    if out is not None:
        out.write_text(text + "\n")
    harmed = any(row.left or row.lost for row in rows.values())
    if harmed or not all(story.equal for story in stories):
        raise typer.Exit(1)


def table(rows: list[Row], stories: list[Story]) -> str:
    """What happened, as Markdown."""
    titles = ["fault", "injected", "study went on", "resumed", "trials lost or doubled", "processes left"]
    lines = ["| " + " | ".join(titles) + " |", "| --- " * len(titles) + "|"]
    lines += ["| " + " | ".join(str(getattr(row, each.name)) for each in fields(row)) + " |" for row in rows]
    equal = sum(story.equal for story in stories)
    total = sum(row.injected for row in rows)
    lines += ["", f"{total} faults in {len(stories)} studies, {equal} of them with equal tables at the end."]
    return "\n".join(lines)


def _undisturbed(name: str, folder: Path) -> Path:
    process = Process([*STUDIES[name], "--out", str(folder), "--name", "undisturbed"])
    code, said = process.ended()
    assert code == 0, said
    return next(folder.glob(f"{_study(name)}/undisturbed"))


def _study(name: str) -> str:
    return STUDIES[name][1]


def _disturbed(
    name: str, out: Path, undisturbed: Path, rows: dict[str, Row], choose: random.Random, each: int
) -> Story:
    """Runs a study and resumes it until it is finished, with `each` faults on the way."""
    run = out / _study(name) / "run"
    process = Process([*STUDIES[name], "--out", str(out), "--name", "run"])
    story = Story(name, [], False, [])
    while True:
        struck = _strike(process, run, rows, choose, story, each)
        code, said = process.ended()
        left = process.left()
        for row in struck:
            row.left += left
            row.went_on += code == 0
            row.resumed += code != 0
        if code == 0:
            break
        if not struck or not (run / STUDY).is_file():
            messages.print(said)
            story.differing = [f"exit code {code}"]
            return story
        process = Process(["resume", str(run)])
    story.differing = differences(undisturbed, run)
    story.equal = not story.differing
    for fault in set(story.faults):
        rows[fault].lost += _lost(run)
    return story


def _strike(
    process: Process, run: Path, rows: dict[str, Row], choose: random.Random, story: Story, each: int
) -> list[Row]:
    """Injects faults at moments that the log's growth gives, until one ends the process or it ends."""
    struck: list[Row] = []
    while len(story.faults) < each and wait_for_log(run, process, choose.randrange(*_GROWTH)):
        time.sleep(choose.random())
        row = rows[choose.choice(sorted(FAULTS))]
        if FAULTS[row.fault](process, choose):
            row.injected += 1
            story.faults.append(row.fault)
            struck.append(row)
    return struck


def _lost(run: Path) -> int:
    """Trials that the log has never, or more than once, suggested or ended."""
    events = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    suggested = [event["trial"] for event in events if event["event"] == "suggested"]
    ended = [event["trial"] for event in events if event["event"] == "ended"]
    doubled = len(suggested) - len(set(suggested)) + len(ended) - len(set(ended))
    return doubled + len(set(suggested) ^ set(ended))


def _verdict(story: Story) -> str:
    return "equal" if story.equal else f"DIFFERENT: {', '.join(story.differing)}"


if __name__ == "__main__":
    typer.run(soak)
