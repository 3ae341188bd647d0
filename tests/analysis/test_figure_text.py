"""Every figure of every kind of run: labels state where their ticks stand, and all text can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from analysis import plots
from analysis.load import Run, load_run
from analysis.plots import style, ticks
from dgm_core import Setup
from dgm_core.problems import PROBLEMS, load_problem
from studies.running.solve import solve_setup
from tests.analysis import synthetic_shapes
from tests.analysis.conftest import MAKERS

_HIGH = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def stated(label: str) -> float:
    """The number that a label states, read without the help of what wrote it."""
    label = label.replace("−", "-")
    if label[-1] not in "⁻⁰¹²³⁴⁵⁶⁷⁸⁹":
        return float(label)
    mantissa, _, power = label.rpartition("10")
    return float(f"{mantissa.replace('×', '') or '1'}e{power.translate(_HIGH)}")


def axes_of(made: Figure) -> Iterator[Axes]:
    for axes in made.axes:
        yield from (axes, *axes.child_axes)


def labelled(axis: Axis) -> list[tuple[float, Text]]:
    """Ticks in view that have a label to be seen."""
    low, high = sorted(axis.get_view_interval())
    slack = 1e-9 * (high - low)
    found = []
    for tick in axis.get_major_ticks():
        texts = [one for one in (tick.label1, tick.label2) if one.get_visible() and one.get_text()]
        if texts and low - slack <= tick.get_loc() <= high + slack:
            found.append((tick.get_loc(), texts[0]))
    return found


def shown_texts(made: Figure) -> list[Text]:
    """Texts to be seen, but those of ticks out of view."""
    ticks = {id(text) for axes in axes_of(made) for axis in (axes.xaxis, axes.yaxis)
             for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
             for text in (tick.label1, tick.label2)}  # fmt: skip
    in_view = {id(text) for axes in axes_of(made) if axes.get_visible()
               for axis in (axes.xaxis, axes.yaxis) for _, text in labelled(axis)}  # fmt: skip
    return [
        text
        for text in made.findobj(Text)
        if text.get_visible() and text.get_text().strip() and (id(text) not in ticks or id(text) in in_view)
    ]


def faults(made: Figure) -> list[str]:
    """What is wrong with a finished figure's text: empty where nothing is."""
    made.draw_without_rendering()
    found = []
    for axes in axes_of(made):
        for axis in (axes.xaxis, axes.yaxis):
            own = labelled(axis)
            names = [text.get_text() for _, text in own]
            if len(set(names)) < len(names):
                found.append(f"equal labels {names}")
            if isinstance(axis.get_major_formatter(), ticks.Names):
                continue
            wrong = [(x, name) for (x, _), name in zip(own, names, strict=True)
                     if not np.isclose(stated(name), x, rtol=1e-9, atol=0)]  # fmt: skip
            found += [f"{name!r} stands at {x}" for x, name in wrong]
            if len(own) < 2 and len(axis.get_major_locator()()) and not hidden(axis):
                found.append(f"{names} on an axis from {axis.get_view_interval()}")
    # Of an annotation the words alone, without the line that leads to them.
    texts = [(text, Text.get_window_extent(text)) for text in shown_texts(made)]
    width, height = made.bbox.width, made.bbox.height
    for text, box in texts:
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1:
            found.append(f"{text.get_text()!r} is clipped: {box.extents} of {width, height}")
    for (one, a), (other, b) in combinations(texts, 2):
        if smaller(a).overlaps(smaller(b)):
            found.append(f"{one.get_text()!r} and {other.get_text()!r} overlap")
    return found


def hidden(axis: Axis) -> bool:
    """Whether an axis shows no labels on purpose, as the inner ones of panels that share it."""
    return all(
        not (tick.label1.get_visible() or tick.label2.get_visible()) for tick in axis.get_major_ticks()[:1]
    )


def smaller(box: Bbox) -> Bbox:
    """A text's box without the room that fonts keep around letters."""
    return Bbox.from_extents(box.x0 + 1, box.y0 + 0.15 * box.height, box.x1 - 1, box.y1 - 0.15 * box.height)


@pytest.mark.parametrize("columns", [None, 1])
@pytest.mark.parametrize("name", MAKERS)
def test_every_figure_of_a_kind_of_run_can_be_read(
    run: Callable[[str], Run], name: str, columns: int | None
) -> None:
    """As wide as the report has it, and in one column of a journal, with text of the same size."""
    drawn = plots.figures(run(name), columns)
    with style.styled(columns):
        found = {figure: faults(made) for figure, made in drawn.items()}
    assert {figure: wrong for figure, wrong in found.items() if wrong} == {}
    assert {made.get_figwidth() for made in drawn.values()} <= (
        {style.ONE_COLUMN, style.TWO_COLUMNS} if columns is None else {style.WIDTHS[columns]}
    )


@pytest.mark.parametrize("columns", [None, 1])
@pytest.mark.parametrize("shape", synthetic_shapes.SHAPES)
def test_the_solution_of_every_shape_of_problem_can_be_read(
    shape: str, columns: int | None, tmp_path: Path
) -> None:
    """As many axes, outputs and domains as there are; errors of all sizes."""
    found = synthetic_shapes.solved_run(tmp_path / "run", shape)
    made = plots.figures(found, columns)
    with style.styled(columns):
        assert any(name.startswith("solution") for name in made)
        wrong = {name: faults(figure) for name, figure in made.items()}
    assert {name: said for name, said in wrong.items() if said} == {}


@pytest.mark.parametrize("name", PROBLEMS.names())
def test_the_figures_of_every_problem_can_be_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Really trained, for four steps."""
    monkeypatch.setenv("DGM_KERNELS", "off")  # which take longer to compile than four steps without them
    tiny: dict[str, Any] = {
        "iterations": 4,
        "batch_size": 8,
        "depth": 1,
        "width": 6,
        "polish_iterations": 2,
        "polish_points": 8,
        "windows": 1,
    }
    tiny |= {"schedule": "constant", "milestones": []}
    problem = load_problem(name)
    setup = Setup.named(problem, problem.default_settings).changed(tiny)
    found = solve_setup(setup, out=tmp_path, replicates=2, device="cpu")
    with style.styled():
        wrong = {figure: faults(made) for figure, made in plots.figures(load_run(found.folder)).items()}
    assert wrong
    assert {figure: said for figure, said in wrong.items() if said} == {}


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_an_axis_of_any_range_has_two_true_labels_that_stand_apart(scale: str) -> None:
    rng = np.random.default_rng(7)
    with style.styled():
        for _ in range(40):
            low = 10.0 ** rng.uniform(-12, 6)
            high = low * (
                1 + 10.0 ** rng.uniform(-2, 1) if rng.random() < 0.6 else 10.0 ** rng.uniform(0.1, 14)
            )
            made = style.figure(rng.uniform(1.6, 7.0), rng.uniform(1.2, 4.0))
            axis = made.subplots()
            axis.set(xscale=scale, yscale=scale, xlim=(low, high), ylim=(low, high))
            assert faults(style.finish(made)) == [], (low, high, made.get_size_inches())


def test_a_tick_put_anywhere_says_where() -> None:
    for x in (4.5e-2, 0.1 + 0.2, 1 / 3, -2.5e-7, 123456.0, 0.0, 1e12):
        for power in (False, True):
            assert stated(ticks.text(x, power=power)) == pytest.approx(x, rel=1e-11)
            assert ticks.value(ticks.text(x, power=power)) == pytest.approx(x, rel=1e-11)
    assert ticks.text(4.5e-2, power=True) == "4.5×10⁻²"
    assert ticks.text(1e-3, power=True) == "10⁻³"
    assert ticks.labels([0.1, 0.2, 0.3]) == ["0.1", "0.2", "0.3"]
    assert mpl.rcParams["axes.formatter.limits"] == [-5, 6]  # nothing global was changed
