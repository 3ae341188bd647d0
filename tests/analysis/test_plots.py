"""Figures hold what they claim; files are reproducible."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis import plots
from analysis.curves import course
from analysis.load import Run
from analysis.plots import ablation, correlation, learning, search, solution, style
from analysis.plots.fields import field
from analysis.plots.looks import looks
from analysis.plots.solved import headline
from tests.analysis import synthetic_shapes


def lines(axis: Axes) -> list[str]:
    return [str(line.get_label()) for line in axis.get_lines() if len(np.atleast_1d(line.get_xdata())) > 1]


T = TypeVar("T")


def drawn(made: T | None) -> T:
    assert made is not None
    return made


def note(made: Figure) -> str:
    return style.explained(made)[1]


def title(axis: Axes) -> str:
    """A panel's, without its letter."""
    return (axis.get_title() or axis.get_title(loc="left")).split("  ", 1)[-1]


def test_best_so_far_never_rises(run: Callable[[str], Run]) -> None:
    made = drawn(search.best_so_far(run("search")))
    for axis in made.axes:
        best = next(line for line in axis.get_lines() if line.get_label() == "best completed so far")
        y = np.asarray(best.get_ydata(), float)
        assert (np.diff(y[np.isfinite(y)]) <= 0).all()
        assert axis.get_yscale() == "log"
        labels = axis.get_legend_handles_labels()[1]
        assert {"completed", "stopped", "diverged", "baseline, confirmed", "winner, confirmed"} <= set(labels)
    assert "n = 22 trials" in note(made)
    assert (
        style.explained(made)[0]
        == "Confirmed, the winner's MAE is 1.1×10⁻⁴, 8.00 times smaller than the baseline's"
    )


def test_the_best_so_far_begins_at_the_first_completed_trial(run: Callable[[str], Run]) -> None:
    found = run("search")
    rows = found.trials.copy()
    rows.loc[rows["trial"].isin(["t00", "t01"]), "status"] = "stopped"
    line = drawn(search.best_so_far(Run(found.folder, found.study, rows))).axes[0].get_lines()[0]
    assert np.isfinite(np.asarray(line.get_ydata(), float)).tolist().index(True) == 2


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
    assert set(markers) >= {"completed", "stopped", "diverged"}


def test_early_stopping_shows_every_look(run: Callable[[str], Run]) -> None:
    found = run("search")
    (axis,) = drawn(search.early_stopping(found)).axes
    shown = sum(len(mark.get_offsets()) for mark in axis.collections if mark.get_label() != "cutoff")
    assert shown == len(found.decisions)


def panels(made: Figure) -> list[str]:
    return [title(axis) for axis in made.axes if title(axis)]


def fields(made: Figure) -> list[QuadMesh]:
    meshes = [mesh for axis in made.axes for mesh in axis.collections if isinstance(mesh, QuadMesh)]
    return [mesh for mesh in meshes if np.size(mesh.get_array()) == 1600]


def test_a_solution_shows_its_error_and_its_training(run: Callable[[str], Run]) -> None:
    found = run("search")
    made = drawn(solution.solution(found, "winner"))
    assert panels(made) == ["approximation u", "|u − u*|", "loss", "error"]
    own = drawn(headline(found, "winner"))
    wide = own.points.assign(error=own.error("u")).pivot_table(index="x", columns="t", values="error")
    assert np.asarray(fields(made)[1].get_array()).ravel() == pytest.approx(wide.to_numpy().ravel())
    assert "MAE 1.1×10⁻⁴" in note(made)  # the median replicate's, of five


def test_winner_and_baseline_share_one_scale_of_error(run: Callable[[str], Run]) -> None:
    both = [
        fields(drawn(solution.solution(run("search"), name)))[-1].get_clim()
        for name in ("winner", "baseline")
    ]
    assert both[0] == both[1]


def test_space_is_drawn_as_it_lies(tmp_path: Path) -> None:
    """x across, y up, both to one scale; time across."""
    for shape, (across, up) in {"flat": ("x", "y"), "space and time": ("t", "x")}.items():
        made = drawn(solution.solution(synthetic_shapes.solved_run(tmp_path / shape, shape), "paper"))
        first = made.axes[0]
        assert first.get_xlabel().startswith(across)
        assert made.axes[0].get_ylabel().startswith(up)
        assert (first.get_aspect() == 1.0) == (shape == "flat")
        assert panels(made)[0] == "reference u*"  # its error can be seen


def test_the_polish_is_a_part_of_the_training(tmp_path: Path) -> None:
    made = drawn(solution.solution(synthetic_shapes.solved_run(tmp_path / "run", "polished"), "paper"))
    for name in ("loss", "error"):
        axis = next(axis for axis in made.axes if title(axis) == name)
        x, y = (np.asarray(each, float) for each in axis.get_lines()[0].get_data())
        assert axis.get_xscale() == "linear"
        assert 897 < x[-1] <= 900, "400 iterations and 500 steps"
        before, after = y[x <= 400][-1], y[-1]
        assert after == pytest.approx(before / 10 if name == "loss" else 1e-3, rel=0.5)
    assert "Grey: 500 steps of polish." in note(made)


def test_polishes_of_time_windows_stand_between_them(tmp_path: Path) -> None:
    run = synthetic_shapes.solved_run(tmp_path / "run", "windows")
    went = course(run, run.trials)
    assert went.polishes[:2] == [(21, 220), (241, 440)]
    assert went.loss.iterations[-1] == 400 + 20 * 200
    made = drawn(solution.solution(run, "paper"))
    assert "Grey: 4,000 steps of polish, at the ends of 20 time windows." in note(made)


def test_a_system_of_one_input_has_a_panel_for_each_output(run: Callable[[str], Run]) -> None:
    made = drawn(solution.solution(run("two-outputs"), "winner"))
    assert panels(made) == ["y", "w", "|y − y*|, |w − w*|", "loss", "error"]
    assert {"reference", "approximation of y"} <= set(lines(made.axes[0]))
    assert {"reference", "approximation of w"} <= set(lines(made.axes[1]))


@pytest.mark.parametrize("make", [learning.first_iterations, learning.error_curves])
def test_many_arms_have_a_panel_each_with_the_others_behind(run: Callable[[str], Run], make: Any) -> None:
    made = drawn(make(run("batch-size")))
    assert [axis.get_title() for axis in made.axes][6] == "64 (baseline)"
    assert len(made.axes) == 11
    for axis in made.axes:
        (behind,) = (mark for mark in axis.collections if isinstance(mark, LineCollection))
        assert len(behind.get_segments()) == 10
    assert made.axes[0].get_lines()[0].get_xdata()[-1] > 990


def test_two_factors_make_panels(run: Callable[[str], Run]) -> None:
    made = drawn(learning.first_iterations(run("batch-norm")))
    panels = [axis for axis in made.axes if title(axis)]
    assert [title(axis) for axis in panels] == ["activation: tanh", "activation: relu"]
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


def test_errors_of_zero_are_drawn_without_a_warning(
    run: Callable[[str], Run], recwarn: pytest.WarningsRecorder
) -> None:
    exact = run("batch-norm")
    trials = exact.trials.assign(score=0.0, **{exact.study.metric: 0.0})
    (axis,) = drawn(correlation.loss_and_error_figure(Run(exact.folder, exact.study, trials))).axes
    assert axis.get_yscale() == "linear"
    assert not [str(each.message) for each in recwarn if each.category is UserWarning]


def test_degenerate_runs_are_ringed(run: Callable[[str], Run]) -> None:
    made = drawn(correlation.loss_and_error_figure(run("batch-norm")))
    ring = next(mark for mark in made.axes[0].collections if mark.get_label() == "degenerate")
    assert len(ring.get_offsets()) == 15
    assert "15 degenerate" in note(made)


def test_both_modes_of_batch_normalisation_are_shown(run: Callable[[str], Run]) -> None:
    made = drawn(ablation.batch_statistics(run("batch-norm")))
    assert len(made.axes[0].get_xticks()) == 4
    assert ablation.batch_statistics(run("batch-size")) is None


def test_the_gallery_shows_errors_on_one_scale(run: Callable[[str], Run]) -> None:
    shown = fields(drawn(solution.gallery(run("batch-norm"))))
    assert len(shown) == 6
    assert len({mesh.get_clim() for mesh in shown}) == 1


def test_names_that_are_no_numbers_are_ranked_line_by_line(run: Callable[[str], Run]) -> None:
    made = drawn(ablation.error_by_factor(run("activation")))
    (axis,) = made.axes
    assert [text.get_text() for text in axis.get_yticklabels()][-1] == "adaptive tanh of Jagtap"
    assert [text.get_text() for text in axis.texts] == ["1"]
    assert style.explained(made)[0].startswith("activation tanh has the lowest median MAE")


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


def test_files_say_what_they_show_and_embed_their_fonts(run: Callable[[str], Run], tmp_path: Path) -> None:
    with style.styled():
        style.save(style.finish(drawn(search.early_stopping(run("search")))), tmp_path, "a")
    finding, caption = style.saved(tmp_path / "a.png")
    assert finding.startswith("11 stops in")
    assert caption.startswith("n = 31 looks, 11 stops.")
    content = (tmp_path / "a.pdf").read_bytes()
    assert b"/FontFile2" in content  # TrueType, embedded
    assert b"CreationDate" not in content


def test_both_widths_of_a_journal_have_text_of_one_size_and_repeat(
    run: Callable[[str], Run], tmp_path: Path
) -> None:
    found = run("search")
    sizes = {}
    for columns in (1, 2):
        made = plots.figures(found, columns)["best-so-far"]
        assert made.get_figwidth() == style.WIDTHS[columns]
        assert sum(axis.get_ylabel() != "" for axis in made.axes) == 3 - columns  # below or beside each other
        sizes[columns] = {text.get_fontsize() for text in made.findobj(Text) if text.get_text()}
        with style.styled(columns):
            for name in ("a", "b"):
                again = style.finish(drawn(search.early_stopping(found)))
                style.save(again, tmp_path, f"{columns}{name}", style.FORMATS)
        for kind in style.FORMATS:
            first, second = (tmp_path / f"{columns}{name}.{kind}" for name in ("a", "b"))
            assert first.read_bytes() == second.read_bytes(), kind
    assert sizes[1] == sizes[2]
    assert (tmp_path / "1a.pdf").read_bytes() != (tmp_path / "2a.pdf").read_bytes()


@pytest.mark.parametrize(
    ("values", "shown", "missing"),
    [
        ((8, 64), {"10", "20", "50"}, {"30", "40"}),
        ((1e-3, 2e-2), {"0.001", "0.003", "0.01"}, {"0.002"}),
        ((1e-6, 1.0), {"10⁻⁶", "10⁻²", "10⁰"}, {"2×10⁻³"}),
    ],
)
def test_a_short_logarithmic_axis_has_ticks_enough_and_none_that_collide(
    values: tuple[float, float], shown: set[str], missing: set[str]
) -> None:
    with style.styled():
        made = style.figure(2.2, 2.0)
        axis = made.subplots()
        axis.set_xscale("log")
        axis.plot(values, [0.0, 1.0])
        inset = axis.inset_axes((0.0, 0.5, 1.0, 0.5))
        inset.set_xscale("log")
        inset.plot(values, [0.0, 1.0])
        style.finish(made).canvas.draw()
    for one in (axis, inset):
        labels = {text.get_text() for text in one.get_xticklabels(which="both")}
        assert shown <= labels
        assert not missing & labels


def test_an_error_of_zero_is_below_the_scale_and_not_blank() -> None:
    points = pd.DataFrame({"x": [0.0, 0.0, 1.0, 1.0], "t": [0.0, 1.0, 0.0, 1.0]})
    axis = style.figure(3.0, 3.0).add_subplot()
    errors = np.array([0.0, 1e-3, np.nan, 1e-2])
    image = field(axis, points, ["x", "t"], errors, norm=LogNorm(1e-4, 1e-2), cmap="magma")
    colours = image.to_rgba(image.get_array()).reshape(-1, 4)
    assert tuple(image.cmap.get_under()) in {tuple(colour) for colour in colours}
    assert (colours[:, 3] == 0.0).sum() == 1, "where there is no value nothing is drawn"
