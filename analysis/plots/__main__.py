"""Draws some of a run's figures: the part of a process that helps with a report (see `shared`)."""

from __future__ import annotations

import os
import signal
import sys
from fractions import Fraction
from itertools import takewhile
from pathlib import Path

from analysis.load import load_run
from analysis.plots import Drawing
from analysis.plots.shared import Claims


def main(run: str, folder: str, claims: str, start: str, parent: str) -> None:
    """start: the share of the figures after which it begins; it comes round to those before.

    parent: the process that it helps.  Where that is gone, nobody wants the rest of the report.
    """
    # Ends as an error does, which tidies up; Ctrl-C is for the process that is helped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    drawing = Drawing(load_run(Path(run)), Path(folder))
    first = int(len(drawing.names) * Fraction(start))
    order = [*drawing.names[first:], *drawing.names[:first]]
    Claims(Path(claims)).take(takewhile(lambda _: os.getppid() == int(parent), order), drawing)


if __name__ == "__main__":
    main(*sys.argv[1:])
