"""Studies from Python and from notebooks: run one, and use its answer.

The only module of `studies` that imports `analysis`; like the command line, it joins the two.
"""

from __future__ import annotations

from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dgm_core import ConfigurationError, Problem, Setup, load_problem
from dgm_core.errors import unknown
from dgm_core.training import TrainedField, load_field
from studies.catalog import load_study
from studies.records import MODELS, REPORT, StudyRecord
from studies.running.options import Options
from studies.running.solve import solve_setup
from studies.sources import load_sources
from studies.study import EDITS, Ablation, Edits, Search, Study

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from analysis.load import Run


class Result:
    """A run folder and its answer, of a run that has just ended or of an older one.

    Raises ConfigurationError if the folder is not a run.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    @cached_property
    def run(self) -> Run:
        """The run's records as data frames: `trials`, `curves`, `decisions`, `solutions`."""
        from analysis.load import load_run

        return load_run(self.folder)

    @property
    def record(self) -> StudyRecord:
        """study.json: the resolved study, its seeds, versions and outcome."""
        return self.run.study

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The report's tables by name ("summary", "arms", "trials", …), in full precision; empty ones too."""
        from analysis.report import make_tables

        return make_tables(self.run)

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """The report's figures by name; those without data are left out."""
        from analysis.plots import figures

        return figures(self.run)

    @cached_property
    def answers(self) -> list[str]:
        """The answers of the run, a sentence or two each."""
        from analysis.answer import answer
        from analysis.report import make_tables

        return answer(self.run, make_tables(self.run)).sentences

    def report(self) -> Path:
        """Writes tables/, figures/ and report.html into the run folder; the page's path."""
        from analysis.report import make_report

        make_report(self.folder)
        return self.folder / REPORT

    def fields(self) -> list[str]:
        """The names of the trained fields in the run folder."""
        return sorted(path.stem for path in (self.folder / MODELS).glob("*.pt"))

    def field(self, name: str | None = None) -> TrainedField:
        """A trained field, of K confirmed replicates: takes points as tensors, arrays or data frames.

        By default the winner of a search, or the only field.  Raises ConfigurationError if there is none of
        that name.
        """
        known = self.fields()
        chosen = name or ("winner" if "winner" in known else known[0] if len(known) == 1 else None)
        if chosen is None or chosen not in known:
            if not known:
                raise ConfigurationError(f"{self.folder} has kept no trained field.")
            raise unknown("field of this run", str(name), known)
        load_sources(self.folder, self.record)
        return load_field(self.folder / MODELS / f"{chosen}.pt")

    def __repr__(self) -> str:
        return f"Result({str(self.folder)!r}, {self.record.state})"

    def _repr_html_(self) -> str:
        from html import escape

        said = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.answers)
        title = f"{self.record.name}/{self.record.run}, {self.record.state}"
        return f"<p><b>{escape(title)}</b></p><ul>{said}</ul>"


def run(study: Study | str, **options: Any) -> Result:
    """Runs a search or an ablation, with its report.

    study: a Search or an Ablation, or a name of the catalogue. options: what to change about it, see
    `studies.study.Edits` (`quick`, `settings`, `replicates`, `resources`; of a search `trials`, `time_limit`,
    `sampler`, `early_stopping`, `searcher`, `scheduler`; of an ablation `arms`, `iterations`, `tuned_rate`),
    and how to run it, see `studies.running.options.Options` (such as `out`, `run`, the name, `seed`, `cores`,
    `address`).  Raises ConfigurationError if it cannot be run.
    """
    from studies.running.runner import run_study  # Ray is for studies: a solve does without

    known = [*EDITS, *(each.name for each in fields(Options))]
    for name in options:
        if name not in known:
            raise unknown("option of a run", name, known)
    if not isinstance(study, str | Search | Ablation):
        raise ConfigurationError(
            f"run takes a search, an ablation or a name of the catalogue, and not a {type(study).__name__}: "
            "`solve` trains a problem once."
        )
    edits = Edits(**{name: options.pop(name) for name in EDITS if name in options})
    if "out" in options:
        options["out"] = Path(options["out"])
    chosen = edits.of(load_study(study) if isinstance(study, str) else study)
    result = Result(run_study(chosen, Options(quick=edits.quick, **options)))
    if result.record.state != "interrupted":
        result.report()
    return result


def solve(
    problem: Problem | Setup | str,
    *,
    settings: str | None = None,
    out: str | Path = "results",
    **options: Any,
) -> Result:
    """Trains one setup in this process, with its report.

    problem: a Problem, a name, or a Setup. settings: by name, such as "paper". options: those of
    `studies.running.solve.solve_setup`, such as `seed`, `replicates`, `run`, `on_progress`.
    """
    if isinstance(problem, Setup):
        setup, label = problem, settings or "as given"
    else:
        chosen = load_problem(problem) if isinstance(problem, str) else problem
        label = settings or chosen.default_settings
        setup = Setup.named(chosen, label)
    result = Result(solve_setup(setup, out=Path(out), settings=label, **options).folder)
    result.report()
    return result
