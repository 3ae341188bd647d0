"""Figures hold what they claim; files are reproducible."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.figure import Figure

from analysis import plots
from analysis.load import Run
from analysis.plots import ablation, correlation, learning, search, solution, style
from analysis.plots.looks import looks


def lines(axis: Axes) -> list[str]:
    return [str(line.get_label()) for line in axis.get_lines() if len(np.atleast_1d(line.get_xdata())) > 1]


def drawn(made: Figure | None) -> Figure:
    assert made is not None
    return made


def note(made: Figure) -> str:
    text = made._supxlabel
    assert text is not None
    return " ".join(text.get_text().split())


def test_best_so_far_never_rises(run: Callable[[str], Run]) -> None:
    made = drawn(search.best_so_far(run("search")))
    for axis in made.axes:
        best = next(line for line in axis.get_lines() if line.get_label() == "best so far")
        assert (np.diff(np.asarray(best.get_ydata())) <= 0).all()
        assert axis.get_yscale() == "log"
        labels = axis.get_legend_handles_labels()[1]
        assert {"completed", "stopped", "diverged", "reference, confirmed"} <= set(labels)
    assert "n = 22 trials" in note(made)


def test_learning_curves_mark_stops_at_their_rung(run: Callable[[str], Run]) -> None:
    made = drawn(search.learning_curves(run("search")))
    (axis,) = made.axes
    (stops,) = (mark for mark in axis.collections if mark.get_label() == "stopped")
    ends = np.asarray(stops.get_offsets())
    assert len(ends) == 11
    assert set(ends[:, 0]) == {500.0}
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
    lines = [
        one for mark in axis.collections if isinstance(mark, LineCollection) for one in mark.get_segments()
    ]
    assert sum(len(one) > 2 for one in lines) == 23
    (best,) = (line for line in axis.get_lines() if line.get_label() == "best trial")
    assert any(np.array_equal(np.asarray(best.get_xydata()), one) for one in lines)


def test_hyperparameters_have_the_scale_of_their_distribution(run: Callable[[str], Run]) -> None:
    made = drawn(search.hyperparameters(run("search")))
    scales = {axis.get_xlabel(): axis.get_xscale() for axis in made.axes}
    assert scales == {
        "batch size (points)": "linear",
        "learning rate": "log",
        "depth (layers)": "linear",
        "activation": "linear",
    }
    strip = made.axes[3]
    assert [tick.get_text() for tick in strip.get_xticklabels()] == ["tanh", "relu"]
    markers = {str(mark.get_label()): mark.get_paths()[0].vertices.shape for mark in strip.collections}
    assert set(markers) == {"completed", "stopped", "diverged"}


def test_early_stopping_shows_every_look(run: Callable[[str], Run]) -> None:
    found = run("search")
    (axis,) = drawn(search.early_stopping(found)).axes
    shown = sum(len(mark.get_offsets()) for mark in axis.collections if mark.get_label() != "cutoff")
    assert shown == len(found.decisions)


def test_the_paper_solution_has_four_panels(run: Callable[[str], Run]) -> None:
    made = drawn(solution.solution(run("search"), "winner"))
    titles = [axis.get_title() for axis in made.axes if axis.get_title()]
    assert titles == ["reference", "approximation", "|difference|", "loss"]
    meshes = [mesh for axis in made.axes for mesh in axis.collections if isinstance(mesh, QuadMesh)]
    fields = [mesh for mesh in meshes if np.size(mesh.get_array()) == 1600]
    difference = np.asarray(fields[2].get_array())
    expected = np.abs(np.asarray(fields[1].get_array()) - np.asarray(fields[0].get_array()))
    assert difference == pytest.approx(expected)
    assert "MAE 0.00011" in note(made)  # the median replicate's, of five


def test_a_system_of_one_input_has_a_panel_for_each_output(run: Callable[[str], Run]) -> None:
    made = drawn(solution.solution(run("two-outputs"), "winner"))
    assert [axis.get_title() for axis in made.axes] == ["y", "w", "|difference|", "loss"]
    assert {"reference", "approximation of y"} <= set(lines(made.axes[0]))
    assert {"reference", "approximation of w"} <= set(lines(made.axes[1]))


def test_first_iterations_have_the_papers_inset(run: Callable[[str], Run]) -> None:
    made = drawn(learning.first_iterations(run("batch-size")))
    (axis,) = [axis for axis in made.axes if axis.get_xlabel()]
    assert len(lines(axis)) == 11
    assert axis.get_lines()[0].get_xdata()[-1] > 990  # type: ignore[index]
    (inset,) = axis.child_axes
    assert len(inset.get_lines()) == 11
    assert inset.get_xlim() == (1.0, 50.0)
    assert axis.get_yscale() == inset.get_yscale() == "log"


def test_two_factors_make_panels(run: Callable[[str], Run]) -> None:
    made = drawn(learning.first_iterations(run("batch-norm")))
    panels = [axis for axis in made.axes if axis.get_title()]
    assert [axis.get_title() for axis in panels] == ["activation: tanh", "activation: relu"]
    assert [len(lines(axis)) for axis in panels] == [3, 3]
    assert all(axis.child_axes[0].get_xlim() == (1.0, 100.0) for axis in panels)


def test_ordered_levels_have_a_sequential_colour_map(run: Callable[[str], Run]) -> None:
    study = run("batch-size").study
    found = looks(study, list(study.arms))
    light = [float(np.dot(look.color[:3], [0.299, 0.587, 0.114])) for look in found.values()]
    assert light == sorted(light)


def test_budgets_compare_loss_and_error_thrice(run: Callable[[str], Run]) -> None:
    made = drawn(learning.equal_budgets(run("batch-size")))
    assert len(made.axes) == 6
    assert all(len(axis.get_lines()) == 11 and axis.get_xscale() == "log" for axis in made.axes)
    ends = [float(np.asarray(line.get_xdata())[-1]) for line in made.axes[4].get_lines()]
    assert ends == pytest.approx([3000 * 2**power for power in range(11)])
    assert max(len(np.asarray(line.get_xdata())) for line in made.axes[0].get_lines()) <= 150


def test_error_against_a_factor_counts_divergence(run: Callable[[str], Run]) -> None:
    made = drawn(ablation.error_by_factor(run("batch-size")))
    (axis,) = made.axes
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in axis.texts] == ["1"]
    assert "how many diverged (1 in all)" in note(made)


def test_heat_map_cells_say_n(run: Callable[[str], Run]) -> None:
    made = drawn(ablation.heat_map(run("batch-norm")))
    texts = [text.get_text() for text in made.axes[0].texts]
    assert len(texts) == 6
    assert all("n = 5" in text for text in texts)
    assert ablation.heat_map(run("batch-size")) is None


def test_degenerate_runs_are_ringed(run: Callable[[str], Run]) -> None:
    made = drawn(correlation.loss_and_error_figure(run("batch-norm")))
    ring = next(mark for mark in made.axes[0].collections if mark.get_label() == "degenerate")
    assert len(ring.get_offsets()) == 15
    assert "15 degenerate" in note(made)


def test_both_modes_of_batch_normalisation_are_shown(run: Callable[[str], Run]) -> None:
    made = drawn(ablation.batch_statistics(run("batch-norm")))
    assert len(made.axes[0].get_xticks()) == 4
    assert ablation.batch_statistics(run("batch-size")) is None


def test_the_gallery_shows_the_reference_first(run: Callable[[str], Run]) -> None:
    made = drawn(solution.gallery(run("batch-norm")))
    titles = [axis.get_title() for axis in made.axes if axis.get_title()]
    assert titles[0] == "reference"
    assert len(titles) == 7


def test_nothing_is_drawn_of_nothing(run: Callable[[str], Run], tmp_path: Path) -> None:
    with plots.drawing(run("empty"), tmp_path) as draw:
        assert draw() == []


def test_files_repeat_byte_for_byte_and_settings_stay(run: Callable[[str], Run], tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    with style.styled():
        for name in ("a", "b"):
            style.save(drawn(search.early_stopping(run("search"))), tmp_path, name)
    for suffix in ("png", "pdf"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    assert dict(mpl.rcParams) == before


def test_no_text_is_cut_off_or_overlaps(run: Callable[[str], Run]) -> None:
    with style.styled():
        made = drawn(ablation.error_by_factor(run("batch-size")))
        made.draw_without_rendering()
        (axis,) = made.axes
        boxes = [tick.get_window_extent() for tick in axis.get_xticklabels() if tick.get_text()]
        assert not any(a.overlaps(b) for a, b in pairwise(boxes))
        assert made._supxlabel is not None
        assert made._supxlabel.get_window_extent().x1 <= made.bbox.x1


@pytest.mark.parametrize(
    ("value", "label"), [(1e-3, "10⁻³"), (2e-3, "2×10⁻³"), (1.0, "10⁰"), (5e4, "5×10⁴"), (1e12, "10¹²")]
)
def test_a_logarithmic_tick_is_named_by_its_power(value: float, label: str) -> None:
    assert style.power_label(value) == label


@pytest.mark.parametrize(
    ("values", "shown", "missing"),
    [
        ((8, 64), {"10", "20", "50"}, {"30", "40"}),
        ((1e-3, 2e-2), {"10⁻³", "2×10⁻³", "5×10⁻³", "10⁻²"}, {"3×10⁻³"}),
        ((1e-6, 1.0), {"10⁻⁶", "10⁻²", "10⁰"}, {"2×10⁻³"}),
    ],
)
def test_a_short_logarithmic_axis_has_ticks_enough_and_none_that_collide(
    tmp_path: Path, values: tuple[float, float], shown: set[str], missing: set[str]
) -> None:
    with style.styled():
        made = style.figure(2.2, 2.0)
        axis = made.subplots()
        axis.set_xscale("log")
        axis.plot(values, [0.0, 1.0])
        inset = axis.inset_axes((0.0, 0.5, 1.0, 0.5))
        inset.set_xscale("log")
        inset.plot(values, [0.0, 1.0])
        style.save(made, tmp_path, "axis")
    for one in (axis, inset):
        labels = {text.get_text() for text in one.get_xticklabels(which="both")}
        assert shown <= labels
        assert not missing & labels
