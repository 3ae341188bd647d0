"""scripts/docs: the site, and the pages made from the code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from dev.docs import commands, gallery, licences, settings, site

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

WRITTEN = {"settings.md": settings.page, "commands.md": commands.page, "licences.md": licences.page}
"""Pages below docs/ that are made from the code."""


@app.command()
def build(out: Annotated[Path, typer.Option(help="The folder of the site.")] = Path("build/docs")) -> None:
    """Build the site, strictly: a link, an anchor or a name that does not exist is an error."""
    try:
        site.build(out)
    except subprocess.CalledProcessError:
        sys.exit(1)
    print(f"Site: {out / 'site/index.html'}")


@app.command()
def write() -> None:
    """Write the pages made from the code."""
    for name, page in WRITTEN.items():
        (site.ROOT / "docs" / name).write_text(page(), encoding="utf-8")
        print(f"docs/{name}")


@app.command("gallery")
def make_gallery(
    problems: Annotated[list[str] | None, typer.Argument(help="Only these; by default all.")] = None,
    seed: Annotated[int, typer.Option(help="From which those of the replicates are derived.")] = 0,
    replicates: Annotated[int, typer.Option(help="Seeds to train at once.")] = gallery.SEEDS,
    machine: Annotated[str, typer.Option(help="Said beside the seconds.")] = "an unnamed machine",
) -> None:
    """Solve the problems of the catalogue and make the gallery's page and pictures (minutes)."""
    gallery.make(site.ROOT / "docs", problems or [], machine, print, seed=seed, replicates=replicates)


if __name__ == "__main__":
    app()
