"""Colour, line style and name of each arm of an ablation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis import arms
from analysis.plots import style
from studies.records import StudyRecord

LINES = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


@dataclass(frozen=True)
class ArmLook:
    """How an arm is drawn: its factor's level gives the colour, the panel's level the line and the marker."""

    color: Any
    line: str
    marker: str
    label: str
    panel: str | None

    def curve(self) -> dict[str, Any]:
        """Keywords of a line."""
        return {"color": self.color, "linestyle": self.line}


def colours(levels: list[Any]) -> list[Any]:
    """A colour for each level: sequential where they are ordered numbers, else distinct."""
    if arms.ordered(levels) or len(levels) > len(style.PALETTE):
        shades = mpl.colormaps["viridis"](np.linspace(0.0, 0.92, len(levels)))
        rank = np.argsort(np.argsort(levels)) if arms.ordered(levels) else np.arange(len(levels))
        return [tuple(shades[place]) for place in rank]
    return list(style.PALETTE[: len(levels)])


def looks(study: StudyRecord, names: list[str]) -> dict[str, ArmLook]:
    """The look of each arm: by its level of one factor, by both of two, else by its place in the list."""
    factors = arms.factors(study)
    panel = arms.panel_factor(study)
    keys = [key for key in factors if key != panel]
    if len(keys) != 1:
        return {
            name: ArmLook(colour, LINES[place // 8 % 4], MARKERS[place % 8], name, None)
            for place, (name, colour) in enumerate(zip(names, colours(names), strict=True))
        }
    (key,) = keys
    arm_looks = {}
    shades = dict(zip(map(arms.level_name, factors[key]), colours(factors[key]), strict=True))
    rows = [arms.level_name(value) for value in factors[panel]] if panel else []
    for name in names:
        level = arms.level_name(arms.level(study, name, key))
        other = arms.level_name(arms.level(study, name, panel)) if panel else None
        place = rows.index(other) if other in rows else 0
        arm_looks[name] = ArmLook(
            shades.get(level, style.GREY),
            LINES[place % 4],
            MARKERS[place % 8],
            level if panel else name,
            other,
        )
    return arm_looks


def legend(arm_looks: Mapping[str, ArmLook], *, marks: bool) -> tuple[list[Line2D], list[str]]:
    """Handles and labels for arms drawn together: markers or lines; of a grid each factor's levels once."""
    colours: dict[str, Line2D] = {}
    panels: dict[str, Line2D] = {}
    for look in arm_looks.values():
        mark: dict[str, Any] = (
            {"linestyle": "none", "marker": look.marker} if marks else {"linestyle": look.line}
        )
        if look.panel is not None:
            panels.setdefault(look.panel, Line2D([], [], color=style.GREY, **mark))
            mark = {"linestyle": "none", "marker": "o"} if marks else {"linestyle": "-"}
        colours.setdefault(look.label, Line2D([], [], color=look.color, **mark))
    return [*colours.values(), *panels.values()], [*colours, *panels]


def legend_title(study: StudyRecord, *, marks: bool) -> str:
    """What the entries of `legend` mean."""
    colour, panel = titles(study)
    return f"colour: {colour}; {'marker' if marks else 'line'}: {panel}" if panel else colour


def titles(study: StudyRecord) -> tuple[str, str]:
    """The legend's title (what colours mean) and the panels' setting; empty where there is none."""
    panel = arms.panel_factor(study)
    keys = [key for key in arms.factors(study) if key != panel]
    return (arms.key_name(keys[0]) if len(keys) == 1 else "", arms.key_name(panel) if panel else "")


def name_ends(axis: Axes, arm_looks: Mapping[str, ArmLook], *, tall: float = 1.6) -> None:
    """Writes at the right of a panel, `tall` inches high, what each of its lines is, in the lines' order.

    Names stand at the heights of their lines' ends, or as near as they have room; a thin line leads there.
    """
    ends = {}
    for line, (name, look) in zip(axis.get_lines(), arm_looks.items(), strict=False):
        x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
        known = np.isfinite(y) & (y > 0)
        if known.any():
            ends[name] = (look, x[known][-1], y[known][-1])
    low, high = np.log(axis.get_ylim())
    order = sorted(ends, key=lambda name: ends[name][2])
    places = _apart([(np.log(ends[name][2]) - low) / (high - low) for name in order], 8.0 / 72.0 / tall)
    for name, place in zip(order, places, strict=True):
        look, x, y = ends[name]
        lead = {"arrowstyle": "-", "color": look.color, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 0}
        where: dict[str, Any] = {"textcoords": "axes fraction", "va": "center", "annotation_clip": False}
        axis.annotate(name, (x, y), (1.04, place), fontsize=6, color=look.color, arrowprops=lead, **where)


def _apart(wanted: list[float], gap: float) -> list[float]:
    """Places near the wanted ones (sorted), each at least `gap` above the one before, around 0 … 1."""
    places: list[float] = []
    for place in wanted:
        places.append(max(place, places[-1] + gap) if places else place)
    over = max(0.0, places[-1] - 1.0) if places else 0.0
    for at in range(len(places) - 1, -1, -1):
        ceiling = places[at + 1] - gap if at + 1 < len(places) else places[at] - over
        places[at] = min(places[at], ceiling)
    return places
