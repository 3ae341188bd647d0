"""`dgm submit`: a study as a job of a Ray cluster, whose head runs it."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import requires, version
from pathlib import Path
from typing import Annotated, Any

import typer

from dgm_cli.cluster.jobs import Jobs, cluster_jobs, one_line
from dgm_cli.common import messages
from dgm_cli.options import Name
from dgm_cli.own import With, load_files, named
from dgm_cli.places import here
from dgm_core.errors import ConfigurationError
from studies.errors import StudyError
from studies.hints import resume_hint

PASSED = {"allow_extra_args": True, "ignore_unknown_options": True}
_PROGRAM = ("dgm_core", "studies", "analysis", "dgm_cli")
_AGAIN_SECONDS = 1.0
_ENDED = ("STOPPED", "SUCCEEDED", "FAILED")
_RUNS = "/tmp/dgm-jobs"
"""Where the head keeps the folders of runs, which the storage has whole."""
_SERVICE = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION")
"""Where a bucket is; who may use it the cluster's machines know, and is not sent."""


def submit(
    context: typer.Context,
    study: Annotated[str, typer.Argument(help="A study's name (see `dgm list`) or its file.")] = "",
    address: Annotated[
        str,
        typer.Option(
            metavar="URL", help="The cluster's dashboard, http://HEAD:8265, or Ray Client, ray://HEAD:10001."
        ),
    ] = "http://127.0.0.1:8265",
    storage: Annotated[
        str | None,
        typer.Option(metavar="PLACE", help="A folder or s3://BUCKET/PREFIX that all nodes reach."),
    ] = None,
    name: Name = None,
    out: Annotated[Path, typer.Option(help="Folder to fetch the run to.")] = Path("results"),
    follow: Annotated[bool, typer.Option(help="Show the job's output until it ends.")] = True,
    pip: Annotated[
        bool, typer.Option("--pip", help="Have the cluster install the packages that this program needs.")
    ] = False,
    stop: Annotated[str | None, typer.Option(metavar="JOB", help="End a submitted job.")] = None,
    files: With = None,
) -> int:
    """Run a study as a job on a cluster; also takes the options of `dgm run`."""
    if stop is None and not study:
        raise ConfigurationError("which study? Give its name or its file, or --stop JOB.")
    if stop is None and storage is None:
        raise ConfigurationError(
            "--storage is needed: a folder or s3://BUCKET/PREFIX that the cluster and this machine reach."
        )
    with cluster_jobs(address) as jobs:
        if stop is not None:
            return _stop(jobs, stop)
        assert storage is not None
        storage = storage if "://" in storage else str(Path(storage).absolute())  # a job has its own folder
        name = name or datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        run, job = _submitted(jobs, context, address, study, storage, name, files, pip=pip)
        messages.print(f"Submitted as {job}; its run is {run}", soft_wrap=True)
        messages.print(f"End it with: dgm submit --stop {job} --address {address}", soft_wrap=True)
        return _followed(jobs, job, run, out) if follow else 0


def submit_instead(context: typer.Context, study: str, arguments: list[str]) -> int:
    """`dgm submit` of a study with the arguments of a `dgm run`, for an address that takes jobs alone."""
    app = typer.Typer(add_completion=False)
    app.command(context_settings=PASSED)(submit)
    others = list(arguments)
    others.remove(study)
    code: int = typer.main.get_command(app).main(
        [study, *others], "dgm run", standalone_mode=False, parent=context.find_root()
    )
    return code


def _submitted(
    jobs: Jobs,
    context: typer.Context,
    address: str,
    study: str,
    storage: str,
    name: str,
    files: list[Path] | None,
    *,
    pip: bool,
) -> tuple[str, str]:
    """Where the run of a study will be, and the job that runs it."""
    with tempfile.TemporaryDirectory(prefix="dgm-job-") as folder:
        title, sources = _pack(Path(folder), study, files)
        place = ["--address", "auto", "--storage", storage, "--name", name]
        line = ["run", title, *place, *sources, *context.args]
        _check(context, line)
        environment: dict[str, Any] = {
            "env_vars": {key: os.environ[key] for key in _SERVICE if key in os.environ},
        }
        if pip:
            environment["pip"] = _packages()
        number = f"{title}-{name}-{os.urandom(3).hex()}"
        try:
            job = jobs.submit(
                Path(folder),
                environment,
                # The run's own folder is none of the code's, which Ray removes when it sees fit.
                entrypoint=shlex.join(["python", "-m", "dgm_cli.main", *line, "--out", f"{_RUNS}/{number}"]),
                submission_id=number,
                metadata={"study": title, "run": name},
            )
        except RuntimeError as error:
            raise StudyError(f"the cluster at {address} refuses the job: {one_line(error)}") from None
    return f"{storage.rstrip('/')}/{title}/{name}", job


def _pack(folder: Path, study: str, files: list[Path] | None) -> tuple[str, list[str]]:
    """Puts the program and the user's files into a job's folder; the study's name and options to find it."""
    from dgm_core.extensions import Sources
    from studies.catalog import STUDIES, load_study

    load_files(files)
    title = load_study(named(STUDIES, study)).name
    for package in _PROGRAM:
        place = Path(str(sys.modules[package].__file__)).parent if package in sys.modules else None
        place = place or Path(__import__(package).__file__ or "").parent
        shutil.copytree(place, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    sources = Sources.loaded()
    sources.write(folder / "sources")
    return title, [part for main in sources.main for part in ("--with", f"sources/{main}")]


def _check(context: typer.Context, line: list[str]) -> None:
    """Refuses options that `dgm run` does not have, here and not in the job's log."""
    root: Any = context.find_root()
    root.command.get_command(root, "run").make_context("run", line[1:], resilient_parsing=False).close()


def _packages() -> list[str]:
    """What the program needs, in the versions that are installed here."""
    names = [
        requirement.split(";")[0]
        for requirement in requires("dgm-studies") or ()
        if "extra ==" not in requirement and not requirement.startswith("ray")
    ]
    plain = [name.split(">")[0].split("[")[0].strip() for name in names]
    return [f"{name}=={version(name)}" for name in plain]


def _followed(jobs: Jobs, job: str, place: str, out: Path) -> int:
    """Shows a job's output until it ends, and fetches its run; the exit code."""
    shown = 0
    try:
        while (status := jobs.status(job)) not in _ENDED:
            shown = jobs.show(job, shown)
            time.sleep(_AGAIN_SECONDS)
        jobs.show(job, shown)
    except KeyboardInterrupt:
        messages.print("No longer followed; the job goes on.")
        return 130
    if status == "STOPPED":
        messages.print(f"Stopped; {resume_hint(place)}", soft_wrap=True)
        return 130
    try:
        messages.print(f"The run is in {here(place, out)}", soft_wrap=True)
    except ConfigurationError:
        raise StudyError(f"the job {job} ended before its run began; see its output for the cause.") from None
    return 0 if status == "SUCCEEDED" else 1


def _stop(jobs: Jobs, job: str) -> int:
    try:
        running = jobs.stop(job)
    except RuntimeError:
        raise ConfigurationError(f"the cluster has no job {job!r}.") from None
    messages.print(f"Asked {job} to stop." if running else f"{job} has ended already.")
    return 0
