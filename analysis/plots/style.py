"""How every figure looks and is saved: sizes, colours, captions; nothing global is changed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.textpath import TextToPath
from PIL import Image

from analysis.plots import ticks
from studies.records import replacing

ONE_COLUMN = 3.4
TWO_COLUMNS = 7.0
"""Widths in inches of one and two columns of a journal."""

WIDTHS = {1: ONE_COLUMN, 2: TWO_COLUMNS}
_COLUMNS: ContextVar[int | None] = ContextVar("columns", default=None)

DPI = 220
TITLE = 8.5
CAPTION = 6.5
_MARGIN = 0.01
_PATHS = TextToPath()

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
    "pdf.fonttype": 42,  # TrueType, embedded: text stays text
    "ps.fonttype": 42,
    "svg.hashsalt": "dgm-studies",  # else an SVG file of the same figure has other names in it each time
}


@contextmanager
def styled(columns: int | None = None) -> Iterator[None]:
    """The settings of every figure, within the block only.

    columns: of a journal's page, 1 or 2, that each figure is to fill, its text as large in both.  None: the
    width that suits the figure, as the report shows it.
    """
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        before = _COLUMNS.set(columns)
        try:
            yield
        finally:
            _COLUMNS.reset(before)


def width(default: float = TWO_COLUMNS) -> float:
    """Of a figure in inches: that of the columns which `styled` was asked for, else its own."""
    asked = _COLUMNS.get()
    return default if asked is None else WIDTHS[asked]


def beside(panels: int) -> int:
    """How many of so many panels stand side by side: half as many in one column of a journal."""
    return -(-panels // 2) if narrow() else panels


def narrow() -> bool:
    """Whether figures are made for one column of a journal."""
    return _COLUMNS.get() == 1


def cells(*panels: int) -> int:
    """Columns of a grid in which lines of so many panels each fill the width.

    As few as there can be: a constrained layout gives up where panels span many narrow ones.
    """
    return math.lcm(*panels)


def figure(width: float, height: float) -> Figure:
    """An empty figure of a size in inches, outside pyplot, that lays itself out."""
    layout = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03)
    return Figure(figsize=(width, height), dpi=DPI, layout=layout)


def explain(made: Figure, title: str, caption: str) -> None:
    """The finding above a figure and the caption under it; `finish` wraps both and makes room for them."""
    made.text(_MARGIN, 1.0, title, va="top", ha="left", weight="bold", fontsize=TITLE, gid="title")
    made.supxlabel(caption, x=_MARGIN, ha="left", fontsize=CAPTION, color="0.25", linespacing=1.2).set_gid(
        "caption"
    )


def explained(made: Figure) -> tuple[str, str]:
    """The finding and the caption of a figure, a line each."""
    texts = {text.get_gid(): " ".join(text.get_text().split()) for text in _texts(made)}
    return texts.get("title", ""), texts.get("caption", "")


def finish(made: Figure) -> Figure:
    """Wraps title and caption to the figure's width, gives both room, and every axis true ticks."""
    width, height = made.get_size_inches()
    by_gid = {str(text.get_gid()): text for text in _texts(made)}
    lines: dict[str, int] = {}
    for gid, text in by_gid.items():
        text.set_text(wrapped(text.get_text(), text.get_fontproperties(), (1 - 2 * _MARGIN) * width))
        lines[gid] = text.get_text().count("\n") + 1
    above = (lines["title"] * TITLE * 1.3 + 5.0) / 72.0 if "title" in lines else 0.0
    renderer = FigureCanvasAgg(made).get_renderer()
    boxes = [legend.get_window_extent(renderer).height / made.dpi for legend in made.legends]
    legends = max(boxes, default=0.0)
    height += above + legends + lines.get("caption", 0) * CAPTION * 1.25 / 72.0
    made.set_size_inches(width, height)
    if "title" in by_gid:
        by_gid["title"].set_y(1.0 - 3.0 / 72.0 / height)
    engine = made.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(rect=(0.0, 0.0, 1.0, 1.0 - (above + legends) / height))
    for legend in made.legends:
        legend.set_bbox_to_anchor((0.0, 0.0, 1.0, 1.0 - above / height + 0.02 / height), made.transFigure)
    _fold_labels(made)
    ticks.settle(made)
    return made


def _fold_labels(made: Figure) -> None:
    """Axis labels and lettered titles in lines no longer than their panel's cell of the grid."""
    across, up = made.get_size_inches()
    for axes in made.axes:
        spec = axes.get_subplotspec()
        if spec is None:
            continue
        lines, columns = spec.get_gridspec().get_geometry()
        room = {
            axes.xaxis: across * len(spec.colspan) / columns,
            axes.yaxis: up * len(spec.rowspan) / lines,
        }
        for axis, inches in room.items():
            label = axis.get_label()
            if "\n" not in label.get_text():
                label.set_text(wrapped(label.get_text(), label.get_fontproperties(), 0.8 * inches))
        letter, _, title = axes.get_title(loc="left").partition("  ")
        folded = wrapped(title, FontProperties(size=_RC["axes.titlesize"]), 0.6 * room[axes.xaxis])
        if folded.count("\n") > title.count("\n"):
            axes.set_title(f"{letter}  {folded}", loc="left")


def _texts(made: Figure) -> list[Text]:
    return [text for text in made.findobj(Text) if text.get_gid() in ("title", "caption")]


def _wide(line: str, font: FontProperties) -> float:
    """Of a line of text, in inches."""
    return float(_PATHS.get_text_width_height_descent(line, font, ismath=False)[0]) / 72.0


def wrapped(text: str, font: FontProperties, width: float) -> str:
    """Text in lines no wider than `width` inches, by the widths of the letters themselves."""

    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _wide(longer, font) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def letters(axes: Sequence[Axes]) -> None:
    """Panels named A, B, C … before their titles, at the left above the axes."""
    for name, axis in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", axes, strict=False):
        title = axis.get_title()
        axis.set_title("")
        axis.set_title(f"{name}  {title}".rstrip(), loc="left")


def legend(
    made: Figure, handles: list[Any], labels: list[str], *, title: str = "", at: str = "right"
) -> None:
    """A legend between title and panels, in as many columns as the width holds; `finish` gives it room.

    at: "left", "center" or "right".
    """
    font = FontProperties(size=_RC["legend.fontsize"])
    widest = max((_wide(label, font) for label in labels), default=0.0) + 0.36
    columns = max(1, min(len(labels), int((1 - 2 * _MARGIN) * made.get_figwidth() / widest)))
    look: Any = {
        "title": title or None,
        "title_fontsize": 7,
        "handlelength": 1.4,
        "columnspacing": 0.9,
        "loc": f"upper {at}",
    }
    made.legend(handles, labels, ncols=columns, handletextpad=0.5, **look).set_in_layout(False)


def entries(axes: Iterable[Axes]) -> tuple[list[Any], list[str]]:
    """Handles and labels of a legend over several axes, each label once."""
    handles: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    return list(handles.values()), list(handles)


def png(made: Figure) -> bytes:
    """The figure as a PNG file's content."""
    content = BytesIO()
    FigureCanvasAgg(made).print_png(content, metadata={"Software": None})
    return content.getvalue()


def files(folder: Path, name: str) -> tuple[Path, Path]:
    """Those of a figure: name.png and name.pdf."""
    return folder / f"{name}.png", folder / f"{name}.pdf"


FORMATS = ("png", "pdf", "svg")


def save(made: Figure, folder: Path, name: str, formats: Sequence[str] = ("png", "pdf")) -> list[Path]:
    """Writes a figure's files, without the time of day: the same figure gives the same bytes.

    Finding and caption are in the files too, as title and description.  formats: of FORMATS.
    """
    folder.mkdir(parents=True, exist_ok=True)
    title, caption = explained(made)
    written = []
    FigureCanvasAgg(made)  # is its canvas from here on
    made.draw_without_rendering()  # lays it out
    made.set_layout_engine("none")  # and so it stays, in every format
    for kind in formats:
        written.append(folder / f"{name}.{kind}")
        # The canvases' own methods draw once each, where Figure.savefig draws twice.
        with replacing(written[-1]) as file:
            if kind == "png":
                metadata: dict[str, Any] = {"Title": title, "Description": caption, "Software": None}
                FigureCanvasAgg(made).print_png(file, metadata=metadata)
            elif kind == "pdf":
                metadata = {"Title": title, "Subject": caption}
                metadata |= dict.fromkeys(("CreationDate", "Producer", "Creator"))
                FigureCanvasPdf(made).print_pdf(file, metadata=metadata)
            else:
                metadata = {"Title": title, "Description": caption, "Date": None, "Creator": None}
                FigureCanvasSVG(made).print_svg(file, metadata=metadata)
    return written


def pixels(png: Path, per_inch: float) -> int:
    """How wide a file of `save` is on a page with so many pixels for an inch of the figure."""
    with Image.open(png) as image:
        return round(image.width / DPI * per_inch)


def saved(png: Path) -> tuple[str, str]:
    """The finding and the caption that a file of `save` holds."""
    with Image.open(png) as image:
        held = dict(getattr(image, "text", {}))
    return held.get("Title", ""), held.get("Description", "")
