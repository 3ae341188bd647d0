"""`dgm check` and `dgm show`: what is asked, and what can go wrong, before anything is trained."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from dgm_cli.common import at_least, messages, parse_settings, print_json
from dgm_cli.names import check_name, completed
from dgm_cli.options import Json
from dgm_cli.own import With, is_file, load_files
from dgm_core import extensions
from dgm_core.errors import ConfigurationError, counted, unknown

if TYPE_CHECKING:
    from dgm_core import Setup
    from studies.study import Study

Asked = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A study or problem: its name (see `dgm list`) or its file.",
        autocompletion=lambda: completed("study", "problem"),
    ),
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Fix a setting; repeatable.")
]
Quick = Annotated[bool, typer.Option("--quick", help="Use the short variant of the study.")]


def check(
    asked: Asked,
    files: With = None,
    settings: Settings = None,
    quick: Quick = False,
    cores: Annotated[int | None, typer.Option(help="Cores to plan for (default: all).")] = None,
    as_json: Json = False,
) -> int:
    """Check what can go wrong with a study or problem; exit code 2 if it could not run."""
    at_least("cores", cores, 1)
    check_name(asked, "study", "problem", files=files)
    from studies.preflight import CHECKS, Question, examine
    from studies.records.environment import available_cores

    load_files(files)
    chosen = changed(find(asked), settings, quick)
    findings = examine(Question(chosen, cores or available_cores()))
    for finding in findings:
        messages.print(f"{finding.level.capitalize()}: {finding}", soft_wrap=True)
    if not any(finding.level in ("error", "warning") for finding in findings):
        messages.print(f"{counted(len(CHECKS.names()), 'check')} found nothing to warn of.")
    if as_json:
        print_json({"findings": [finding.to_dict() for finding in findings]})
    return 2 if any(finding.level == "error" for finding in findings) else 0


def show(asked: Asked, files: With = None, settings: Settings = None, quick: Quick = False) -> int:
    """Show a study or a problem: equation, domain, conditions, space, settings and cost."""
    check_name(asked, "study", "problem", files=files)
    from studies.preflight import Question
    from studies.preflight.checks.cost import study_time
    from studies.study import Ablation, Search

    load_files(files)
    chosen = changed(find(asked), settings, quick)
    question = Question(chosen)
    if isinstance(chosen, (Search, Ablation)):
        messages.print(f"{chosen.name}: {chosen.question}")
        messages.print()
    _problem(question.base)
    if isinstance(chosen, Search):
        _space(chosen)
        _table("Compared with the baseline's", _differences(chosen.base, chosen.compared))
    if isinstance(chosen, Ablation):
        _table("Arms", [(arm, _changes(changes)) for arm, changes in chosen.arms.items()])
        messages.print(
            f"Baseline: {chosen.baseline}; {counted(chosen.replicates, 'seed')}, shared by all arms."
        )
        messages.print()
    _table("Settings", list(question.base.config.model_dump(mode="json").items()))
    messages.print(study_time(question))
    return 0


def find(asked: str) -> Study | Setup:
    """The study or the problem of that name or file; a problem with its default settings.

    Raises ConfigurationError where there is none, or a file defines several.
    """
    from dgm_core import PROBLEMS, Setup, load_problem
    from studies.catalog import STUDIES, load_study

    names, problems = STUDIES.names(), PROBLEMS.names()
    name = asked
    if is_file(asked):
        module = extensions.load(asked)
        defined = [n for registry in (STUDIES, PROBLEMS) for n, _ in registry.find(module)]
        if len(defined) != 1:
            what = ", ".join(defined) or "neither a study nor a problem"
            which = f": name one of them, as in `{defined[0]} --with {asked}`" if defined else ""
            raise ConfigurationError(f"{asked} defines {what}{which}.")
        (name,) = defined
        names, problems = STUDIES.names(), PROBLEMS.names()
    if name in names:
        return load_study(name)
    if name in problems:
        return Setup.named(load_problem(name))
    raise unknown("study or problem", name, [*names, *problems])


def changed(chosen: Study | Setup, settings: list[str] | None, quick: bool) -> Study | Setup:
    """With `--set` and `--quick` applied, as `dgm run` and `dgm solve` do."""
    from dgm_core import Setup
    from studies.study import Edits

    fixed = parse_settings(settings or [])
    if not isinstance(chosen, Setup):
        return Edits(quick=quick, settings=fixed).of(chosen)
    if quick:
        raise ConfigurationError("--quick is for studies only.")
    return chosen.changed(fixed)


def _problem(setup: Setup) -> None:
    problem = setup.problem
    description = inspect.cleandoc(type(problem).__doc__ or problem.name)
    messages.print(description)
    messages.print()
    rows = [
        ("axes", ", ".join(f"{axis.name} in [{axis.lower:g}, {axis.upper:g}]" for axis in problem.inputs)),
        ("outputs", ", ".join(problem.outputs)),
        ("boundary", ", ".join(problem.domain.parts) or "none"),
        ("terms", ", ".join(problem.terms)),
        ("hard terms", ", ".join(problem.hard_terms) or "none"),
        ("reference", problem.reference_kind),
        ("ranked by", problem.metric),
    ]
    starts = {name: constant.start_of(problem) for name, constant in type(problem).trained().items()}
    fixed = {name: value for name, value in problem.parameters().items() if name not in starts}
    if fixed:
        rows.append(("parameters", _changes(fixed)))
    if starts:
        rows.append(("trained", ", ".join(f"{name}, from {start:g}" for name, start in starts.items())))
    if problem.source:
        rows.append(("source", problem.source))
    _table(problem.name, rows)


def _space(search: Any) -> None:
    from studies.study.branches import places

    _table("Space", [(place.name, _range(place.distribution)) for place in places(search.space)])


def _range(distribution: Any) -> str:
    if hasattr(distribution, "choices"):
        return ", ".join(map(str, distribution.choices))
    kind = "integers" if isinstance(distribution.low, int) else "numbers"
    step = f", in steps of {distribution.step}" if distribution.step not in (None, 1) else ""
    logarithmic = ", logarithmic" if distribution.log else ""
    return f"{kind} from {distribution.low} to {distribution.high}{step}{logarithmic}"


def _differences(base: Setup, other: Setup) -> list[tuple[str, str]]:
    from dgm_core.training.setup import WEIGHTS

    ours, theirs = base.flat(), other.flat()
    return [
        (key, f"{theirs.get(key, 'none')} (trials: {ours[key]})")
        for key in ours
        if key != WEIGHTS and ours[key] != theirs.get(key)  # the weights follow one by one
    ]


def _changes(changes: Any) -> str:
    return ", ".join(f"{key} = {value}" for key, value in changes.items()) or "the base"


def _table(title: str, rows: list[tuple[str, Any]]) -> None:
    if not rows:
        return
    table = Table(box=None, pad_edge=False, show_header=False, title=title, title_justify="left")
    for key, value in rows:
        table.add_row(str(key), str(value))
    messages.print(table)
    messages.print()
