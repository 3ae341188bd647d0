"""Draws some of a run's figures: the part of a process that helps with a report (see `shared`)."""

from __future__ import annotations

import os
import sys
from fractions import Fraction
from itertools import takewhile
from pathlib import Path

from analysis.load import load_run
from analysis.plots import Drawing
from analysis.plots.shared import Claims


def main(run: str, folder: str, claims: str, start: str) -> None:
    """start: the share of the figures after which it begins; it comes round to those before."""
    drawing = Drawing(load_run(Path(run)), Path(folder))
    first = int(len(drawing) * Fraction(start))
    parent = os.getppid()
    order = [*range(first, len(drawing)), *range(first)]
    # Where who asked for the report is gone, nobody wants the rest of it.
    wanted = takewhile(lambda _: os.getppid() == parent, order)
    Claims(Path(claims)).take(wanted, drawing)


if __name__ == "__main__":
    main(*sys.argv[1:])
