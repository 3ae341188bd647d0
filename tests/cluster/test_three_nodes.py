"""A study on three nodes that share no disk: what one node does not have, it gets from the bucket."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest
from pandas.testing import assert_frame_equal

from dgm_cli.cluster.nodes import SCRIPTS, LocalCluster, Node
from studies.records import CLOCK_COLUMNS
from studies.records.events import Reported, Retried
from studies.records.log import LOG, read_log
from studies.records.storage import Store

pytestmark = [pytest.mark.ray, pytest.mark.cluster]

STUDY = """
from optuna.distributions import IntDistribution
from dgm_core import Setup, load_problem
from studies import Search

STUDY = Search(
    name="spread",
    base=Setup.named(load_problem("exponential-decay")).changed({"iterations": ITERATIONS, "width": 8}),
    space={"batch_size": IntDistribution(8, 32)},
    trials=5, startup_trials=2, replicates=1, confirmations=1, grace_period=ITERATIONS // 3, workers=3,
)
"""
SHORT, LONG = 20_000, 60_000
"""Iterations of a trial: of one that is no sooner done than a third node has its worker, and of one in whose
midst something can happen."""
SECONDS = 600
"""That a study may take on a machine that does much else; on an idle one it is less than a minute."""
TABLES = ("trials", "decisions", "curves", "solutions")


def write_study(folder: Path, iterations: int) -> Path:
    path = folder / "spread_study.py"
    path.write_text(STUDY.replace("ITERATIONS", str(iterations)))
    return path


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_study(tmp_path, SHORT)


@pytest.fixture
def long_study(tmp_path: Path) -> Path:
    return write_study(tmp_path, LONG)


def start(cluster: LocalCluster, folder: Path, *line: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [SCRIPTS / "dgm", *line],
        env=cluster.environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def line(cluster: LocalCluster, storage: str) -> list[str]:
    place = ["--address", cluster.address, "--storage", storage]
    return ["run", "spread_study.py", *place, "--name", "a", "--json"]


def done(process: subprocess.Popen[str]) -> dict:
    output, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, errors
    return json.loads(output.splitlines()[-1])


def await_reports(run: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Until so many results are logged."""
    await_that(lambda: sum(isinstance(event, Reported) for event in read_log(run)) >= count, process)


def await_that(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Until something holds, which it must before the process ends."""
    while not holds():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def training_on(node: Node) -> bool:
    """Whether a node trains a trial: Ray names a process after the method that its actor is in.

    An actor that is still being made does not count: Ray makes it elsewhere, unseen, if its node dies.
    """
    for process in node.processes:
        with suppress(psutil.Error):
            if re.match(r"ray::\w+\.train\b", " ".join(process.cmdline())):
                return True
    return False


def tables(run: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    for name in TABLES:
        table = pd.read_parquet(run / f"{name}.parquet")
        yield name, table.drop(columns=[column for column in CLOCK_COLUMNS if column in table])


def assert_same(run: Path, other: Path) -> None:
    for (name, one), (_, two) in zip(tables(run), tables(other), strict=True):
        assert len(one) > 0, name
        assert_frame_equal(one, two, obj=name)


def run_here(folder: Path, iterations: int) -> Path:
    """The study of the same seed on this machine alone."""
    study = write_study(folder, iterations)
    subprocess.run(
        [SCRIPTS / "dgm", "run", study.name, "--name", "a"], cwd=folder, check=True, timeout=SECONDS
    )
    return folder / "results/spread/a"


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_here(tmp_path_factory.mktemp("laptop"), SHORT)


@pytest.fixture(scope="module")
def long_laptop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_here(tmp_path_factory.mktemp("long-laptop"), LONG)


def test_a_study_spreads_and_its_records_are_those_of_a_laptop(
    laptop: Path, cluster: LocalCluster, study: Path, bucket: str
) -> None:
    folder, store = study.parent, Store.at(f"{bucket}/one/spread/a")
    driver = start(cluster, folder, *line(cluster, f"{bucket}/one"))
    run = folder / "results/spread/a"
    used: set[str] = set()
    while driver.poll() is None:
        training = store.sizes("checkpoints")
        assert not (run / "checkpoints").exists()
        used |= {node.name for node in cluster.nodes if training_on(node)}
        assert not training or all(name.endswith("checkpoint.pt") for name in training)
        time.sleep(0.1)
    assert done(driver)["failed"] == 0
    assert used == {node.name for node in cluster.nodes}
    assert_same(run, laptop)
    assert not store.sizes("checkpoints")
    kept = {"study.json", "trials.parquet", "curves.parquet", "optuna.db", "models/winner.pt"}
    assert kept <= set(store.sizes())


def test_a_node_is_killed_and_one_that_joins_is_used(
    cluster: LocalCluster, long_laptop: Path, long_study: Path, bucket: str
) -> None:
    folder = long_study.parent
    run = folder / "results/spread/a"
    driver = start(cluster, folder, *line(cluster, f"{bucket}/two"))
    await_reports(run, 1, driver)
    others = cluster.nodes[1:]
    await_that(lambda: any(map(training_on, others)), driver)
    lost = next(filter(training_on, others))
    lost.kill()
    cluster.nodes.remove(lost)
    joined, used = cluster.add(), False
    while driver.poll() is None:
        used = used or training_on(joined)
        time.sleep(0.1)
    assert done(driver)["failed"] == 0
    assert any(isinstance(event, Retried) for event in read_log(run))
    assert used
    assert_same(run, long_laptop)


def test_the_driver_is_killed_and_another_machine_goes_on_from_the_bucket(
    cluster: LocalCluster, long_laptop: Path, long_study: Path, bucket: str
) -> None:
    folder = long_study.parent
    run, elsewhere = folder / "results/spread/a", folder / "elsewhere"
    driver = start(cluster, folder, *line(cluster, f"{bucket}/three"))
    await_reports(run, 2, driver)
    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate()
    place = f"{bucket}/three/spread/a"
    store = Store.at(place)
    known = b"".join(store.read(piece) or b"" for piece in store.sizes("log"))
    assert known.count(b"\n") > 2
    assert (run / LOG).read_bytes().startswith(known)
    shutil.rmtree(run)  # its disk is gone too
    elsewhere.mkdir()
    assert json.loads(dgm(cluster, elsewhere, "status", place, "--json"))["state"] == "killed"
    line_again = ["resume", place, "--trust", "--address", cluster.address, "--json"]
    outcome = done(start(cluster, elsewhere, *line_again))
    assert outcome["failed"] == 0
    again = elsewhere / "results/spread/a"
    assert (again / LOG).read_bytes().startswith(known)
    assert_same(again, long_laptop)

    reader = folder / "reader"
    reader.mkdir()
    dgm(cluster, reader, "report", place)
    assert (reader / "results/spread/a/report.html").exists()
    assert_same(reader / "results/spread/a", long_laptop)
    assert json.loads(dgm(cluster, reader, "status", place, "--json"))["state"] == "finished"
    assert list(reader.iterdir()) == [reader / "results"]


def dgm(cluster: LocalCluster, folder: Path, *line: str) -> str:
    return subprocess.run(
        [SCRIPTS / "dgm", *line],
        env=cluster.environment, cwd=folder, stdout=subprocess.PIPE, check=True, text=True,
    ).stdout  # fmt: skip


def test_a_study_is_submitted_as_a_job_and_its_run_fetched(
    cluster: LocalCluster, laptop: Path, study: Path, bucket: str
) -> None:
    jobs = f"http://127.0.0.1:{cluster.dashboard}"
    line = ["submit", study.name, "--address", jobs, "--storage", f"{bucket}/four", "--name", "a"]
    with pytest.raises(subprocess.CalledProcessError):
        dgm(cluster, study.parent, *line, "--no-such-option")
    dgm(cluster, study.parent, *line)
    run = study.parent / "results/spread/a"
    assert_same(run, laptop)
    command = json.loads((run / "study.json").read_text())["command"]
    assert "--address auto" in command
    with pytest.raises(subprocess.CalledProcessError):
        dgm(cluster, study.parent, "submit", "--address", jobs, "--stop", "no-such-job")


def test_a_study_is_sent_through_ray_client(
    cluster: LocalCluster, laptop: Path, study: Path, bucket: str
) -> None:
    place = ["--address", f"ray://127.0.0.1:{cluster.client}", "--storage", f"{bucket}/six", "--name", "a"]
    dgm(cluster, study.parent, "run", study.name, *place)
    assert_same(study.parent / "results/spread/a", laptop)
    with pytest.raises(subprocess.CalledProcessError):
        dgm(cluster, study.parent, "submit", *place[:2], "--stop", "no-such-job")


def test_a_job_that_is_stopped_keeps_what_it_did_and_is_resumed(
    cluster: LocalCluster, long_laptop: Path, long_study: Path, bucket: str
) -> None:
    jobs, place = f"http://127.0.0.1:{cluster.dashboard}", f"{bucket}/five/spread/a"
    folder = long_study.parent
    follower = start(
        cluster, folder,
        "submit", long_study.name, "--address", jobs, "--storage", f"{bucket}/five", "--name", "a",
    )  # fmt: skip
    assert follower.stderr is not None
    job = next(found[1] for text in follower.stderr if (found := re.match(r"Submitted as (\S+);", text)))
    store = Store.at(place)
    await_that(
        lambda: b'"reported"' in b"".join(store.read(piece) or b"" for piece in store.sizes("log")), follower
    )
    dgm(cluster, folder, "submit", "--address", jobs, "--stop", job)
    _, said = follower.communicate(timeout=SECONDS)
    assert follower.returncode == 130, said
    assert f"dgm resume {place}" in said
    assert json.loads(dgm(cluster, folder, "status", place, "--json"))["state"] == "interrupted"
    resumed = start(cluster, folder, "resume", place, "--trust", "--address", cluster.address, "--json")
    assert done(resumed)["failed"] == 0
    assert_same(folder / "results/spread/a", long_laptop)
