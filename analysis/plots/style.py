"""How every figure looks and is saved: sizes, colours, captions; nothing global is changed."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import (
    FuncFormatter,
    LogFormatterSciNotation,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)

from studies.records import replacing

ONE_COLUMN = 3.4
TWO_COLUMNS = 7.0
"""Widths in inches of one and two columns of a journal."""

DPI = 220
CAPTION = 6.5
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

# Okabe and Ito 2008, "Color Universal Design": distinct to colour-blind readers too.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#7F7F7F"
PALETTE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK, GREY)

STATUS: dict[str, dict[str, Any]] = {
    "completed": {"marker": "o", "color": BLUE},
    "stopped": {"marker": "x", "color": VERMILION},
    "diverged": {"marker": "^", "color": PURPLE},
    "interrupted": {"marker": "s", "color": GREY},
}
"""Marker and colour of a trial's status: either alone tells them apart."""

_RC: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.5,
    "pdf.fonttype": 42,
}


@contextmanager
def styled() -> Iterator[None]:
    """The settings of every figure, within the block only."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        yield


def figure(width: float, height: float) -> Figure:
    """An empty figure of a size in inches, outside pyplot, that lays itself out."""
    layout = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03)
    return Figure(figsize=(width, height), dpi=DPI, layout=layout)


def caption(made: Figure, text: str) -> None:
    """A caption under the figure, wrapped to its width."""
    width = made.get_figwidth()
    lines = textwrap.fill(text, width=int(width * 21))
    made.supxlabel(lines, x=0.01, ha="left", fontsize=CAPTION, color="0.25", linespacing=1.2)


def letters(axes: Sequence[Axes]) -> None:
    """Panels named A, B, C … in their upper left corners, outside the axes."""
    for name, axis in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", axes, strict=False):
        axis.set_title(name, loc="left")


def entries(axes: Iterable[Axes]) -> tuple[list[Any], list[str]]:
    """Handles and labels of a legend over several axes, each label once."""
    found: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)


def integers(axis: Axes) -> None:
    """Whole numbers only on the x axis."""
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


_FEW_POWERS = 60
"""A logarithmic axis that spans less has ticks at 2 and 5 too."""


def power_label(x: float) -> str:
    """A number as a logarithmic axis shows it: "10⁻³", "2×10⁻³".  Plain text: fast to lay out."""
    exponent = math.floor(math.log10(x) + 1e-9)
    digit = round(x / 10.0**exponent)
    power = "10" + str(exponent).translate(_SUPERSCRIPTS)
    return power if digit == 1 else f"{digit}×{power}"


def _logarithmic(axis: Axis) -> None:
    low, high = axis.get_view_interval()
    axis.set_major_formatter(FuncFormatter(lambda x, _: power_label(x)))
    axis.set_minor_formatter(NullFormatter())
    if high / low > 1e4:  # a grey fringe, and slow
        axis.set_minor_locator(NullLocator())
    elif high / low < _FEW_POWERS:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        if low >= 0.1 and high < 1e4:
            axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))


def png(made: Figure) -> bytes:
    """The figure as a PNG file's content."""
    content = BytesIO()
    FigureCanvasAgg(made).print_png(content, metadata={"Software": None})
    return content.getvalue()


def files(folder: Path, name: str) -> tuple[Path, Path]:
    """Those of a figure: name.png and name.pdf."""
    return folder / f"{name}.png", folder / f"{name}.pdf"


def save(made: Figure, folder: Path, name: str) -> None:
    """Writes its `files`, without the time of day: the same figure gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    png, pdf = files(folder, name)
    every = [one for axes in made.axes for one in (axes, *axes.child_axes)]  # with what is set into them
    for axis in (axis for axes in every for axis in (axes.xaxis, axes.yaxis)):
        if axis.get_scale() == "log" and isinstance(axis.get_major_formatter(), LogFormatterSciNotation):
            _logarithmic(axis)
    # The canvases' own methods draw once each, where Figure.savefig draws twice.
    with replacing(png) as file:
        FigureCanvasAgg(made).print_png(file, metadata={"Software": None})
    made.set_layout_engine("none")  # the layout stands
    with replacing(pdf) as file:
        FigureCanvasPdf(made).print_pdf(
            file, metadata={"CreationDate": None, "Producer": None, "Creator": None}
        )
