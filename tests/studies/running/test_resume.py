"""Real studies, killed and resumed: nothing lost, nothing doubled, nothing different, no process left."""

from __future__ import annotations

import random
import signal
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from dev.soak.compare import differences, misplaced, tables
from dev.soak.faults import ANYWHERE, Target
from dev.soak.process import Process, wait_for_event
from dgm_core import ConfigurationError
from studies.records import CHECKPOINTS, OPTUNA, read_study
from studies.records.events import Ended, Suggested
from studies.records.log import read_log
from studies.records.overview import overview
from studies.running.resume import resume
from studies.running.runner import Options, run_study
from tests.studies.running.killing import dgm
from tests.studies.running.synthetic import SEARCH

pytestmark = pytest.mark.ray

ABLATION = [
    "run", "heat-batch-size", "--arms", "4;64", "--iterations", "1500", "--replicates", "2",
    "--set", "width=8", "--cores", "1",
]  # fmt: skip


def without_report(*arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("analysis.report.make_report", lambda run: [])
        return dgm(*arguments)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed")
    assert without_report(*ABLATION, "--out", str(out), "--name", "run") == 0
    return out / "heat-batch-size" / "run"


@pytest.mark.parametrize("faults", [["kill -9 of the driver", "SIGTERM"], ["reboot"]])
def test_an_ablation_that_is_killed_and_resumed_is_the_undisturbed_one_bit_for_bit(
    undisturbed: Path, tmp_path: Path, faults: list[str]
) -> None:
    run = tmp_path / "heat-batch-size" / "run"
    line = [*ABLATION, "--out", str(tmp_path), "--name", "run"]
    for fault, place in zip(faults, ('"event":"suggested"', '"event":"reported"'), strict=False):
        process = Process(line, hold=place, report=False)
        assert wait_for_event(run, process, place), process.ended()
        assert ANYWHERE[fault](Target(process, run, tmp_path / "trap", None), random.Random(0))
        code, said = process.ended()
        assert code == (130 if fault == "SIGTERM" else -signal.SIGKILL), said
        assert "Traceback" not in said
        alive, seconds = process.left()
        assert alive == 0
        assert seconds < 50, "Ray's own agents outlive a killed driver by a minute"
        assert overview(run).state == ("interrupted" if fault == "SIGTERM" else "killed")
        line = ["resume", str(run)]
    assert without_report(*line) == 0
    assert sorted(tables(run)) == ["curves.parquet", "solutions.parquet", "trials.parquet"]
    assert differences(undisturbed, run) == []
    assert {event.trial for event in read_log(run) if isinstance(event, Suggested)} == {"4", "64"}
    assert misplaced(run) == 0
    assert not (run / CHECKPOINTS).exists()


STEPPED = """
from optuna.distributions import IntDistribution

from dgm_core import Setup, load_problem
from studies import Search

STUDY = Search(
    name="stepped",
    base=Setup.named(load_problem("heat")).changed({"batch_size": 8, "iterations": 1500, "depth": 1}),
    space={"width": IntDistribution(10, 50, step=20)},  # the paper's 32 is on no step of it
    trials=2,
    replicates=1,
    confirmations=2,
    startup_trials=2,
    early_stopping="none",
    workers=1,
)
"""


def test_a_baseline_off_the_steps_of_its_space_survives_a_kill_in_its_confirmation(tmp_path: Path) -> None:
    """Optuna's copy is made anew then, whatever became of it: with the baseline as it is."""
    file, run = tmp_path / "stepped.py", tmp_path / "stepped" / "run"
    file.write_text(STEPPED)
    line, place = (
        ["run", str(file), "--out", str(tmp_path), "--name", "run", "--cores", "1"],
        '"phase":"confirm"',
    )
    process = Process(line, hold=place, report=False)
    assert wait_for_event(run, process, place), process.ended()
    assert ANYWHERE["kill -9 of the driver"](Target(process, run, tmp_path / "trap", None), random.Random(0))
    process.ended()
    assert process.left()[0] == 0
    assert overview(run).state == "killed"
    (run / OPTUNA).write_bytes(b"no database")
    code, said = Process(["resume", str(run), "--trust"], report=False).ended()
    assert code == 0, said
    assert "Traceback" not in said
    assert "Warning" not in said
    assert read_study(run).state == "finished"
    shown = optuna.load_study(study_name="stepped", storage=f"sqlite:///{run / OPTUNA}")
    assert shown.trials[0].params == {"width": 32}
    assert [trial.state.name for trial in shown.trials] == 3 * ["COMPLETE"]


def test_a_study_that_is_asked_to_end_while_ray_starts_is_interrupted(tmp_path: Path) -> None:
    run = tmp_path / "heat-batch-size" / "run"
    place = '"event":"began"'
    process = Process([*ABLATION, "--out", str(tmp_path), "--name", "run"], hold=place)
    assert wait_for_event(run, process, place), process.ended()
    process.popen.send_signal(signal.SIGTERM)
    code, said = process.ended()
    assert code == 130, said
    assert "dgm resume" in said
    assert overview(run).state == "interrupted"
    assert process.left()[0] == 0


def test_a_study_in_the_background_of_a_script_is_interrupted_in_order(tmp_path: Path) -> None:
    run = tmp_path / "heat-batch-size" / "run"
    place = '"event":"reported"'
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell has it for what it starts with "&"
    try:
        process = Process([*ABLATION, "--out", str(tmp_path), "--name", "run"], hold=place)
    finally:
        signal.signal(signal.SIGINT, before)
    assert wait_for_event(run, process, place), process.ended()
    process.popen.send_signal(signal.SIGTERM)
    code, said = process.ended()
    assert code == 130, said
    assert "SIGTERM" not in said, "Ray's core tells of it, and aborts three seconds later"
    assert overview(run).state == "interrupted"
    assert process.left()[0] == 0


def test_two_studies_at_once_on_one_machine_are_what_each_is_alone(undisturbed: Path, tmp_path: Path) -> None:
    places = [tmp_path / "one", tmp_path / "two"]
    both = [Process([*ABLATION, "--out", str(place), "--name", "run"], report=False) for place in places]
    for process, place in zip(both, places, strict=True):
        code, said = process.ended()
        assert code == 0, said
        assert differences(undisturbed, place / "heat-batch-size" / "run") == []
    assert [process.left()[0] for process in both] == [0, 0]


def test_what_ended_and_has_a_damaged_checkpoint_is_trained_again(undisturbed: Path, tmp_path: Path) -> None:
    run = tmp_path / "heat-batch-size" / "run"
    place = '"event":"ended"'
    process = Process([*ABLATION, "--out", str(tmp_path), "--name", "run"], hold=place, report=False)
    assert wait_for_event(run, process, place), process.ended()
    assert ANYWHERE["kill -9 of the driver"](Target(process, run, tmp_path / "trap", None), random.Random(0))
    process.ended()
    ended = next(event for event in read_log(run) if isinstance(event, Ended)).trial
    checkpoint = run / CHECKPOINTS / f"ablation-{['4', '64'].index(ended):05d}" / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    code, said = Process(["resume", str(run)], report=False).ended()
    assert code == 0, said
    assert f"{ended} is trained again" in said
    assert differences(undisturbed, run) == []


REAL = replace(SEARCH, trials=6, startup_trials=3, confirmations=2)


def test_a_search_is_the_same_with_one_worker_and_with_four(tmp_path: Path) -> None:
    runs = [
        run_study(REAL, Options(out=tmp_path, run=str(cores), seed=1, cores=cores, oversubscribe=True))
        for cores in (1, 4)
    ]
    assert read_study(runs[0]).state == "finished"
    assert differences(*runs) == []
    assert read_study(runs[0]).winner == read_study(runs[1]).winner
    suggested = [
        [(e.trial, e.changes) for e in read_log(run) if isinstance(e, Suggested) and e.phase == "search"]
        for run in runs
    ]
    assert sorted(suggested[0]) == sorted(suggested[1])


def test_an_older_run_folder_cannot_be_resumed_and_says_why(undisturbed: Path, tmp_path: Path) -> None:
    record = read_study(undisturbed)
    record.definition = {}
    (tmp_path / "study.json").write_text(record.model_dump_json())
    with pytest.raises(ConfigurationError, match="could not resume a run"):
        resume(tmp_path, Options())


def test_more_cores_than_there_are_and_none_are_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="4,096 cores were asked for"):
        run_study(REAL, Options(out=tmp_path, cores=4096))
    with pytest.raises(ConfigurationError, match="cores = 0 is not allowed"):
        run_study(REAL, Options(out=tmp_path, cores=0))
    assert list(tmp_path.iterdir()) == []
