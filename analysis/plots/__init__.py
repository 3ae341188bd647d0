"""Figures of a run, one small file a family; `drawing` makes those that a run has data for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from analysis import scores
from analysis.load import Run
from analysis.plots import ablation, correlation, family, front, learning, search, shared, solution, style
from studies.records import plain_name


@dataclass(frozen=True)
class Drawn:
    """A figure on disk, and what it is of."""

    name: str
    title: str
    png: Path
    pdf: Path

    def said(self) -> tuple[str, str]:
        """Its finding and its caption, which the file holds."""
        return style.saved(self.png)

    def wide(self, per_inch: float) -> int:
        """Pixels of its width on a page that has so many for an inch of it."""
        return style.pixels(self.png, per_inch)


class Drawing:
    """The figures of a run, to be drawn into a folder one by one, by the names of their files."""

    def __init__(self, run: Run, folder: Path) -> None:
        self._run = run
        self._folder = folder
        self._figures = {plain_name(name): (title, make) for name, title, make in _figures(run)}
        self.names = list(self._figures)
        """Of those that there may be, in the order of the report."""

    def __call__(self, name: str) -> bool:
        """Draws one, as PNG and PDF; False where there is no data for it."""
        _, make = self._figures[name]
        with style.styled():
            made = make()
            if made is None:
                return False
            style.finish(made)
            style.save(made, self._folder, name)
        return True

    def drawn(self, name: str) -> Drawn:
        """What one is on disk."""
        png, pdf = style.files(self._folder, name)
        return Drawn(name, self._figures[name][0], png, pdf)


@contextmanager
def drawing(run: Run, folder: Path) -> Iterator[Callable[[], list[Drawn]]]:
    """What draws the figures of a run into a folder, as PNG and PDF; what it has no data for is left out.

    Other processes help; they start when the block is entered, and draw from then on.
    """
    every = Drawing(run, folder)
    with shared.helped(run.folder, folder, every.names) as share:
        yield lambda: [every.drawn(name) for name in share(every)]


FOLDERS = {None: "", 1: "one-column", 2: "two-columns"}
"""Of figures by the columns of a journal that they fill, in the run's folder of figures."""


def publish(run: Run, folder: Path, columns: int | None, formats: Sequence[str]) -> list[Path]:
    """Draws every figure of a run for one or two columns of a journal; the files written.

    columns: 1, 2, or None for the width that the report shows.  formats: of `style.FORMATS`.
    """
    written = []
    for name, figure in figures(run, columns).items():
        with style.styled(columns):
            written += style.save(figure, folder / FOLDERS[columns], plain_name(name), formats)
    return written


def figures(run: Run, columns: int | None = None) -> dict[str, Figure]:
    """The figures of a run by name; what it has no data for is left out.  A notebook shows one as it is.

    columns: of a journal's page that each is to fill, 1 or 2; None for the width that suits it.
    """
    with style.styled(columns):
        made = {name: make() for name, _, make in _figures(run)}
        drawn = {name: style.finish(figure) for name, figure in made.items() if figure is not None}
    for figure in drawn.values():
        figure.__dict__["_repr_png_"] = partial(style.png, figure)  # IPython asks the object for it
    return drawn


def _figures(run: Run) -> Iterator[tuple[str, str, Callable[[], Figure | None]]]:
    """File name, title and maker of each figure, in the order of the report."""
    noun = run.noun.capitalize()
    if run.study.kind == "search":
        yield "front", "Error against cost", lambda: front.front_figure(run)
        yield "best-so-far", f"Best {run.noun} so far", lambda: search.best_so_far(run)
        yield "learning-curves", "Learning curves of all trials", lambda: search.learning_curves(run)
        yield "hyperparameters", f"{noun} against each hyperparameter", lambda: search.hyperparameters(run)
        yield "early-stopping", "What early stopping saw", lambda: search.early_stopping(run)
    if run.study.kind == "ablation":
        yield "first-iterations", "Loss over the first iterations", lambda: learning.first_iterations(run)
        yield "equal-budgets", f"Loss and {run.noun} at equal budgets", lambda: learning.equal_budgets(run)
        yield "error-curves", f"{noun} while training", lambda: learning.error_curves(run)
        yield "error-by-factor", f"{noun} against each factor", lambda: ablation.error_by_factor(run)
        yield "heat-map", f"Median {run.noun} over the grid", lambda: ablation.heat_map(run)
        yield "batch-statistics", "Population and batch statistics", lambda: ablation.batch_statistics(run)
        yield "solutions", "Solutions of the arms", lambda: solution.gallery(run)
    for name in scores.headlines(run.trials):
        title = f"Solution of {name}" if run.study.kind == "solve" else f"Solution of the {name}, confirmed"
        yield f"solution-{name}", title, partial(solution.solution, run, name)
    for parameter in run.study.parameter_axes:
        title = f"Error along {parameter}"
        yield f"error-along-{parameter}", title, partial(family.error_along, run, parameter)
    title = f"Training loss against {run.noun}"
    yield "loss-and-error", title, lambda: correlation.loss_and_error_figure(run)
