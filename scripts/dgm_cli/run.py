"""`dgm run`: a study, from its question to tables and figures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from dgm_cli.cluster.jobs import CLIENT
from dgm_cli.common import (
    MOST_SEED,
    at_least,
    command_line,
    messages,
    parse_settings,
    tell_compiler,
)
from dgm_cli.names import check_name, completed
from dgm_cli.notify import ended, notified
from dgm_cli.options import Address, Device, Json, LogTo, Name, Notify, Out, RayDashboard, TrialTimeout
from dgm_cli.outcome import finish
from dgm_cli.own import Trust, With, is_file, load_files, named, trusted
from dgm_cli.places import Storage
from dgm_cli.submit import submit_instead
from dgm_core.collecting import uncollected
from dgm_core.errors import ConfigurationError
from studies.signals import closing

TrialCpus = Annotated[float | None, typer.Option(help="Cores for each trial (default: as the study says).")]
TrialGpus = Annotated[
    float | None, typer.Option(help="GPUs for each trial, or a fraction of one (default: trials share them).")
]
TrialMemory = Annotated[float | None, typer.Option(metavar="GIB", help="Memory to reserve for each trial.")]


def run(
    context: typer.Context,
    study: Annotated[
        str,
        typer.Argument(
            help="A study's name (see `dgm list`) or its file.", autocompletion=lambda: completed("study")
        ),
    ],
    files: With = None,
    trials: Annotated[int | None, typer.Option(help="Number of trials of a search.")] = None,
    replicates: Annotated[int | None, typer.Option(help="Seeds that each trial trains at once.")] = None,
    sampler: Annotated[
        str | None, typer.Option(help="Sampler of a search (see `dgm list samplers`).")
    ] = None,
    early_stopping: Annotated[
        str | None, typer.Option(help="Early stopping rule of a search (see `dgm list samplers`).")
    ] = None,
    searcher: Annotated[
        str | None,
        typer.Option(
            help="Use a Ray Tune searcher (see `dgm list samplers`); results count in the order of arrival."
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Use a Ray Tune scheduler (see `dgm list samplers`); likewise."),
    ] = None,
    confirmations: Annotated[
        int | None, typer.Option(help="Fresh seeds that confirm winner and baseline of a search.")
    ] = None,
    confirm_limit: Annotated[
        int | None,
        typer.Option(
            help="Add fresh seeds, up to this many, until winner or baseline is shown to be better."
        ),
    ] = None,
    confirm_top: Annotated[int | None, typer.Option(help="How many of the best trials to confirm.")] = None,
    audit: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Share of the search's cost to spend on training stopped trials to their ends.",
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Train from baseline to winner, one changed setting at a time.")
    ] = False,
    start_from: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PLACE",
            help="Settings for the first trials: a run, a TOML file or KEY=VALUE,…; repeatable.",
        ),
    ] = None,
    objectives: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="What to minimise, separated by commas: error,seconds, …"),
    ] = None,
    budget_per_training: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Most time for each training, by the cost model: 10s, 2min, 1h."),
    ] = None,
    prior: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=GUESS[:SPREAD]",
            help="A guess for a setting and its spread, such as learning_rate=0.001:3; repeatable.",
        ),
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="Search as RUN did, with its sampler, stopping rule, trials, seed and limits."
        ),
    ] = None,
    trust: Trust = False,
    seed: Annotated[int | None, typer.Option(help="Seed of the whole study (default: 0).")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Take a quick look: smaller space, fewer trials.")
    ] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Fix a setting; repeatable.")
    ] = None,
    arms: Annotated[
        str | None, typer.Option(help="Run only these arms, separated by semicolons or commas.")
    ] = None,
    iterations: Annotated[int | None, typer.Option(help="Iterations of every arm of an ablation.")] = None,
    tuned_rate: Annotated[
        bool, typer.Option("--tuned-rate", help="Tune every arm's learning rate before comparing.")
    ] = False,
    time_limit: Annotated[
        float | None,
        typer.Option(help="Wall-clock seconds after which a search ends, instead of its own limit."),
    ] = None,
    out: Out = Path("results"),
    name: Name = None,
    cores: Annotated[int | None, typer.Option(help="Cores to use (default: all).")] = None,
    device: Device = "auto",
    address: Address = "local",
    storage: Storage = None,
    trial_cpus: TrialCpus = None,
    trial_gpus: TrialGpus = None,
    trial_memory: TrialMemory = None,
    trial_timeout: TrialTimeout = None,
    dashboard: RayDashboard = False,
    log_to: LogTo = None,
    notify: Notify = None,
    as_json: Json = False,
) -> int:
    """Run a study."""
    if address.startswith(CLIENT):
        # Trials answer to the process that runs the study, which is therefore made a job of the cluster's.
        return submit_instead(context, study, sys.argv[2:])
    counts = {"trials": trials, "replicates": replicates, "cores": cores, "iterations": iterations}
    for option, value in counts.items():
        at_least(option, value, 1)
    at_least("seed", seed, 0, MOST_SEED)
    check_name(study, "study", files=files)
    from studies.tune.session import begin_ray, check_cores

    there, begun = check_cores(cores, address=address), None
    if address == "local" and not files and like is None and not is_file(study):
        # Before anything that takes time to import; a user's file may change the environment first.
        begun = context.with_resource(begin_ray(there, dashboard=dashboard))
        context.with_resource(closing(begun.close))
    with uncollected():
        from studies.catalog import STUDIES, load_study
        from studies.running.runner import Options, run_study
        from studies.study import Edits

    load_files(files)
    study = named(STUDIES, study)
    asked = {"cpus": trial_cpus, "gpus": trial_gpus, "memory_gib": trial_memory, "timeout": trial_timeout}
    edits = Edits(
        quick=quick,
        settings=parse_settings(settings or []),
        replicates=replicates,
        resources={key: value for key, value in asked.items() if value is not None},
        trials=trials,
        confirmations=confirmations,
        confirm_limit=confirm_limit,
        confirm_top=confirm_top,
        audit=audit,
        explain=explain or None,
        time_limit=time_limit,
        sampler=sampler,
        early_stopping=early_stopping,
        searcher=searcher,
        scheduler=scheduler,
        start_from=None if start_from is None else [_start(text) for text in start_from],
        objectives=None if objectives is None else [each.strip() for each in objectives.split(",")],
        priors=None if prior is None else _priors(prior),
        budget_per_training=None if budget_per_training is None else _seconds(budget_per_training),
        arms=arms,
        iterations=iterations,
        tuned_rate=tuned_rate or None,
    )
    chosen = load_study(study)
    if like is not None:
        chosen, seed = _like(chosen, like, seed, trust)
    chosen = edits.of(chosen, option=lambda name: f"--{name.replace('_', '-')}")
    options = Options(
        out=out,
        run=name,
        seed=seed or 0,
        quick=quick,
        cores=cores,
        device=device,
        address=address,
        begun=begun,
        storage=storage,
        dashboard=dashboard,
        log_to=tuple(log_to or ()),
        command=command_line(),
        console=messages,
    )
    tell_compiler()
    with notified(notify) as ending:
        folder = run_study(chosen, options)
        ended(ending, folder)
        return finish(folder, as_json)


def _like(chosen: Any, run: Path, seed: int | None, trust: bool) -> tuple[Any, int]:
    """The study as a run was run, and that one's seed where none is given."""
    from studies.records.opening import open_run
    from studies.running.starting import like
    from studies.sources import load_kept

    record = open_run(run)

    def load() -> None:
        trusted(run, record.sources, trust)
        load_kept(run, record.sources)

    return like(chosen, record, load), record.seed if seed is None else seed


def _start(text: str) -> str | dict[str, Any]:
    """A place, or settings as they are given."""
    if "=" not in text or Path(text).exists():
        return text
    return parse_settings(text.split(","), option="--start-from")


def _priors(pairs: list[str]) -> dict[str, Any]:
    """Priors as they are given: a guess, or `Prior` where the spread is there too."""
    from studies.study.priors import Prior

    priors: dict[str, Any] = {}
    for key, text in parse_settings(pairs, option="--prior").items():
        guess, colon, spread = str(text).partition(":")
        try:
            priors[key] = Prior(float(guess), float(spread)) if colon else float(guess)
        except ValueError:
            raise ConfigurationError(
                f"--prior {key}={text} is not allowed: write KEY=GUESS or KEY=GUESS:SPREAD, as "
                "learning_rate=0.001:3."
            ) from None
    return priors


_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "": 1.0}


def _seconds(text: str) -> float:
    """ "10s", "2min", "1.5h"; a number alone is seconds.  Raises ConfigurationError."""
    unit = text.strip().lstrip("0123456789.")
    number = text.strip().removesuffix(unit)
    try:
        return float(number) * _UNITS[unit.strip()]
    except (ValueError, KeyError):
        raise ConfigurationError(
            f"--budget-per-training {text} is not allowed: give a time such as 10s, 2min or 1h."
        ) from None
