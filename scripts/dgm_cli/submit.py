"""`dgm submit`: a study as a job of a Ray cluster, whose head runs it."""

from __future__ import annotations

import asyncio
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

from dgm_cli.common import messages
from dgm_cli.options import Name
from dgm_cli.own import With, load_files, named
from dgm_cli.places import here
from dgm_core.errors import ConfigurationError
from studies.errors import StudyError

PASSED = {"allow_extra_args": True, "ignore_unknown_options": True}
_PROGRAM = ("dgm_core", "studies", "analysis", "dgm_cli")
_AGAIN_SECONDS = 1.0
_RUNS = "/tmp/dgm-jobs"
"""Where the head keeps the folders of runs, which the storage has whole."""
_SERVICE = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION")
"""Where a bucket is; who may use it the cluster's machines know, and is not sent."""


def submit(
    context: typer.Context,
    study: Annotated[str, typer.Argument(help="A study's name, see `dgm list`, or its file.")] = "",
    address: Annotated[
        str, typer.Option(metavar="URL", help="Of the cluster's dashboard, http://HEAD:8265.")
    ] = "http://127.0.0.1:8265",
    storage: Annotated[
        str | None,
        typer.Option(metavar="PLACE", help="A folder or s3://BUCKET/PREFIX that all nodes reach."),
    ] = None,
    name: Name = None,
    out: Annotated[Path, typer.Option(help="Folder that the run is fetched to.")] = Path("results"),
    follow: Annotated[bool, typer.Option(help="Show the job's output until it ends.")] = True,
    pip: Annotated[
        bool, typer.Option("--pip", help="Have the cluster install the packages that this program needs.")
    ] = False,
    stop: Annotated[str | None, typer.Option(metavar="JOB", help="End a job that was submitted.")] = None,
    files: With = None,
) -> int:
    """Run a study on a cluster without being part of it; takes the options of `dgm run` too."""
    client = _client(address)
    if stop is not None:
        return _stop(client, stop)
    if not study:
        raise ConfigurationError("which study? Give its name or its file, or --stop JOB.")
    if storage is None:
        raise ConfigurationError(
            "--storage is needed: a folder or s3://BUCKET/PREFIX that the cluster and this machine reach."
        )
    storage = storage if "://" in storage else str(Path(storage).absolute())  # a job has a folder of its own
    name = name or datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    with tempfile.TemporaryDirectory(prefix="dgm-job-") as folder:
        title, sources = _pack(Path(folder), study, files)
        place = ["--address", "auto", "--storage", storage, "--name", name]
        line = ["run", title, *place, *sources, *context.args]
        _check(line)
        environment: dict[str, Any] = {
            "working_dir": folder,
            "env_vars": {key: os.environ[key] for key in _SERVICE if key in os.environ},
        }
        if pip:
            environment["pip"] = _packages()
        number = f"{title}-{name}-{os.urandom(3).hex()}"
        try:
            job = client.submit_job(
                # The run's own folder is none of the code's, which Ray removes when it sees fit.
                entrypoint=shlex.join(["python", "-m", "dgm_cli.main", *line, "--out", f"{_RUNS}/{number}"]),
                submission_id=number,
                runtime_env=environment,
                metadata={"study": title, "run": name},
            )
        except RuntimeError as error:
            raise StudyError(f"the cluster at {address} refuses the job: {_line(error)}") from None
    run = f"{storage.rstrip('/')}/{title}/{name}"
    messages.print(f"Submitted as {job}; its run is {run}", soft_wrap=True)
    messages.print(f"End it with: dgm submit --stop {job} --address {address}", soft_wrap=True)
    return _followed(client, job, run, out) if follow else 0


def _client(address: str) -> Any:
    """The cluster's jobs.  Raises ConfigurationError, in one sentence, where they cannot be reached."""
    import logging

    from ray.exceptions import AuthenticationError
    from ray.job_submission import JobSubmissionClient

    if not address.startswith(("http://", "https://")):
        raise ConfigurationError(f"--address {address} is not allowed: write http://HEAD:8265.")
    logging.getLogger("ray").setLevel(logging.ERROR)
    os.environ.pop("RAY_ADDRESS", None)  # it would be used in place of the address that is given
    try:
        return JobSubmissionClient(address)
    except ConnectionError:
        raise ConfigurationError(f"no Ray dashboard answers at --address {address}.") from None
    except (AuthenticationError, RuntimeError) as error:
        if any(word in str(error) for word in ("401", "403", "token")):
            raise ConfigurationError(
                f"the Ray cluster at --address {address} refuses this process's token: set "
                "RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH to the token that the head "
                "was started with."
            ) from None
        raise ConfigurationError(f"no Ray jobs are taken at --address {address}: {_line(error)}") from None
    except Exception as error:  # what an HTTP client says of something that is no Ray
        raise ConfigurationError(f"what answers at --address {address} is no Ray: {_line(error)}") from None


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


def _check(line: list[str]) -> None:
    """Refuses options that `dgm run` does not have, here and not in the job's log."""
    from dgm_cli.run import run

    app = typer.Typer(add_completion=False)
    app.command()(run)
    typer.main.get_command(app).make_context("run", line[1:], resilient_parsing=False).close()


def _packages() -> list[str]:
    """What the program needs, in the versions that are installed here."""
    names = [
        requirement.split(";")[0]
        for requirement in requires("dgm-studies") or ()
        if "extra ==" not in requirement and not requirement.startswith("ray")
    ]
    plain = [name.split(">")[0].split("[")[0].strip() for name in names]
    return [f"{name}=={version(name)}" for name in plain]


def _followed(client: Any, job: str, place: str, out: Path) -> int:
    """Shows a job's output until it ends, and fetches its run; the exit code."""
    from ray.job_submission import JobStatus

    shown = 0
    try:
        while not (status := client.get_job_status(job)).is_terminal():
            shown = asyncio.run(_show(client, job, shown))  # a connection may be lost before the job ends
            time.sleep(_AGAIN_SECONDS)
    except KeyboardInterrupt:
        messages.print("No longer followed; the job goes on.")
        return 130
    if status == JobStatus.STOPPED:
        messages.print(f"Stopped; go on with: dgm resume {place}", soft_wrap=True)
        return 130
    try:
        messages.print(f"The run is in {here(place, out)}", soft_wrap=True)
    except ConfigurationError:
        raise StudyError(f"the job {job} ended before its run had begun: its output says why.") from None
    return 0 if status == JobStatus.SUCCEEDED else 1


async def _show(client: Any, job: str, shown: int) -> int:
    """Shows a job's output from a character on, as long as the connection holds; how many there were."""
    seen = 0
    async for text in client.tail_job_logs(job):
        print(text[max(0, shown - seen) :], end="", file=sys.stderr, flush=True)
        seen += len(text)
    return max(seen, shown)


def _stop(client: Any, job: str) -> int:
    try:
        running = client.stop_job(job)
    except RuntimeError:
        raise ConfigurationError(f"the cluster knows no job {job!r}.") from None
    messages.print(f"Asked {job} to stop." if running else f"{job} has ended already.")
    return 0


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
