"""`scripts/soak`: a study that is harmed again and again must come out as if nothing had happened."""

from __future__ import annotations

import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from dev.soak.story import COMMANDS, FAULTS, Story, Teller, undisturbed
from dgm_cli.common import messages

_DISK_MIB = 64


def soak(
    minutes: Annotated[float, typer.Option(help="How long to go on.")] = 10.0,
    faults: Annotated[int, typer.Option(help="Faults to inject, where the time suffices.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the choice of faults and moments.")] = 0,
    kind: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(COMMANDS)}; by default all in turn.")
    ] = None,
    each: Annotated[int, typer.Option(help="Faults in one study.")] = 5,
    out: Annotated[Path | None, typer.Option(help="Write the table here, as Markdown.")] = None,
) -> None:
    """Inject faults into studies and compare their results with those of undisturbed ones.

    What did not come out equal is kept, and named.
    """
    if kind is not None and kind not in COMMANDS:
        raise typer.BadParameter(f"{kind} is none of {', '.join(COMMANDS)}")
    kinds = [kind] if kind is not None else list(COMMANDS)
    choose = random.Random(seed)
    stories: list[Story] = []
    folder = Path(tempfile.mkdtemp(prefix="dgm-soak-"))
    deadline = time.monotonic() + 60.0 * minutes
    references = {name: undisturbed(name, folder / f"undisturbed-{name}") for name in kinds}
    while time.monotonic() < deadline and _injected(stories).total() < faults:
        name = kinds[len(stories) % len(kinds)]
        reference, span = references[name]
        with _disk(folder / f"{name}-{len(stories)}") as (place, fills):
            teller = Teller(
                name,
                place,
                span=span,
                faults=each,
                counts=_injected(stories),
                choose=choose,
                fills=fills,
            )
            story = teller.tell(reference)
            stories.append(story)
            blows = ", ".join(blow.fault for blow in story.blows)
            messages.print(f"{name} {len(stories)}: {blows}: {_verdict(story)}", soft_wrap=True)
            if not story.equal:
                shutil.copytree(story.run, folder / f"different-{len(stories)}", dirs_exist_ok=True)
    text = table(stories)
    messages.print(text, soft_wrap=True)
    if out is not None:
        out.write_text(text + "\n")
    harmed = any(story.misplaced or any(blow.left for blow in story.blows) for story in stories)
    if harmed or not all(story.equal for story in stories):
        messages.print(f"What is not equal is kept in {folder}")
        raise typer.Exit(1)
    shutil.rmtree(folder)


def table(stories: list[Story]) -> str:
    """What happened, as Markdown.

    The results, and trials lost, are those of the studies that the fault was injected into.
    """
    titles = (
        "fault | injected | it ended the process | resumed | results equal | trials lost or doubled "
        "| processes left | last one gone after (s)"
    )
    lines = [f"| {titles} |", "| --- " * (titles.count("|") + 1) + "|"]
    for fault in FAULTS:
        met = [(story, blow) for story in stories for blow in story.blows if blow.fault == fault]
        distinct = {id(story): story for story, _ in met}.values()
        cells = [
            fault,
            len(met),
            sum(blow.ended for _, blow in met),
            sum(blow.ended and story.equal for story, blow in met),
            f"{sum(story.equal for story in distinct)} of {len(distinct)}",
            sum(story.misplaced for story in distinct),
            sum(blow.left for _, blow in met),
            f"{max((blow.gone for _, blow in met), default=0.0):.1f}",
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    counts = Counter(story.kind for story in stories)
    kinds = ", ".join(f"{count} × {kind}" for kind, count in counts.items())
    equal = sum(story.equal for story in stories)
    lines += [
        "",
        f"{_injected(stories).total()} faults in {len(stories)} studies ({kinds}); "
        f"{equal} of {len(stories)} with results equal bit for bit.",
    ]
    return "\n".join(lines)


@contextmanager
def _disk(place: Path) -> Iterator[tuple[Path, bool]]:
    """A small file system of its own, and whether it is one: to mount it takes the rights to."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MIB}m", "dgm-soak", str(place)]
    fills = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield place, fills
    finally:
        if fills:
            subprocess.run(["umount", "--lazy", str(place)], check=False)
        shutil.rmtree(place)


def _injected(stories: list[Story]) -> Counter[str]:
    return Counter(blow.fault for story in stories for blow in story.blows)


def _verdict(story: Story) -> str:
    lost = f", {story.misplaced} trials lost or doubled" if story.misplaced else ""
    return ("equal" if story.equal else f"DIFFERENT: {'; '.join(story.differing)}") + lost


if __name__ == "__main__":
    typer.run(soak)
