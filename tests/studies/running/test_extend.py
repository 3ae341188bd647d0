"""More trials for a search that has ended: as if it had been asked for them from the start."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import FloatDistribution

from dev.soak.compare import differences, misplaced
from dgm_core import ConfigurationError
from studies.planning.course import Course
from studies.records import read_study, write_study
from studies.records.events import Decided, Ended, Left, Suggested
from studies.records.history import History, read_history
from studies.records.log import Log, read_log
from studies.running.describe import study_record
from studies.running.extend import extend
from studies.running.resume import resume
from studies.running.runner import Options, run_study
from studies.samplers import DEFAULT_SAMPLER
from studies.study import Search
from studies.study.ablation import Ablation
from tests.studies.planning.test_course import Workers, finished, outcome
from tests.studies.running.synthetic import SEARCH, search_plan

FEW, MANY = replace(SEARCH, trials=9), replace(SEARCH, trials=14)


def recorded(folder: Path, study: Search) -> None:
    record = study_record(study, run="run", seed=1, quick=False, cores=1, command=None)
    record.state = "finished"
    write_study(folder, record)
    with Log(folder) as log:
        log.append([Left(state="finished")])


def resumed(folder: Path, cores: int, choose: random.Random, study: Search) -> None:
    """Goes on to the end."""
    events = read_log(folder)
    with Log(folder) as log:
        workers = Workers(Course(search_plan(study=study), log, events), cores, choose)
        while workers.step():
            pass
        assert workers.course.done


@pytest.mark.parametrize("rule", ["asha", "hyperband", "median", "none"])
@pytest.mark.parametrize("sampler", [DEFAULT_SAMPLER, "nsga-ii", "cma-es", "sobol"])
def test_a_search_that_is_extended_is_the_one_asked_for(tmp_path: Path, sampler: str, rule: str) -> None:
    few, many = (replace(each, sampler=sampler, early_stopping=rule) for each in (FEW, MANY))
    whole = finished(tmp_path / "whole", 3, random.Random(0), study=many)
    finished(tmp_path / "run", 2, random.Random(1), study=few)
    recorded(tmp_path / "run", few)
    before = read_log(tmp_path / "run")
    extend(tmp_path / "run", read_study(tmp_path / "run"), many.trials)
    kept = read_log(tmp_path / "run")
    assert {event.trial for event in kept if isinstance(event, Suggested)} == {
        f"{n:03d}" for n in range(1, 10)
    }
    ends = [event for event in kept if isinstance(event, Ended)]
    assert ends
    assert all(event in before for event in ends), "what still holds keeps its time"
    resumed(tmp_path / "run", 4, random.Random(2), many)
    assert outcome(read_history(tmp_path / "run")) == outcome(whole)
    assert misplaced(tmp_path / "run") == 0
    record = read_study(tmp_path / "run")
    assert (record.trials_asked, record.state, record.winner) == (14, "interrupted", None)


def test_decisions_that_more_trials_may_change_are_made_again(tmp_path: Path) -> None:
    """The last trials of a short search are compared with more in a longer one."""
    space = {key: SEARCH.space[key] for key in ("learning_rate", "depth")}
    long = replace(SEARCH, base=SEARCH.base.changed({"iterations": 8_000}), space=space, grace_period=1_000)
    folder, study = tmp_path / "run", replace(long, trials=4)
    finished(folder, 2, random.Random(1), study=study)
    recorded(folder, study)
    before = [event for event in read_log(folder) if isinstance(event, Decided)]
    extend(folder, read_study(folder), 14)
    after = [event for event in read_log(folder) if isinstance(event, Decided)]
    assert all(event in before for event in after)
    assert 0 < len(after) < len(before)
    resumed(folder, 3, random.Random(2), replace(long, trials=14))
    whole = finished(tmp_path / "whole", 1, random.Random(0), study=replace(long, trials=14))
    assert outcome(read_history(folder)) == outcome(whole)


@pytest.mark.parametrize(("trials", "said"), [(9, "asked for 9 already; give more"), (3, "give more")])
def test_fewer_trials_are_refused_and_nothing_is_touched(tmp_path: Path, trials: int, said: str) -> None:
    finished(tmp_path / "run", 2, random.Random(1), study=FEW)
    recorded(tmp_path / "run", FEW)
    before = (tmp_path / "run/log.jsonl").read_bytes()
    with pytest.raises(ConfigurationError, match=said):
        extend(tmp_path / "run", read_study(tmp_path / "run"), trials)
    assert (tmp_path / "run/log.jsonl").read_bytes() == before


def test_an_ablation_has_no_trials_to_add(tmp_path: Path) -> None:
    study = Ablation(name="a", base=SEARCH.base, arms={"x": {"depth": 1}, "y": {"depth": 2}}, baseline="x")
    record = study_record(study, run="run", seed=0, quick=False, cores=1, command=None)
    with pytest.raises(ConfigurationError, match="--trials is for searches"):
        extend(tmp_path, record, 4)


@pytest.mark.ray
def test_a_finished_run_of_real_trainings_goes_on_bit_for_bit(tmp_path: Path) -> None:
    base = SEARCH.base.changed({"iterations": 120, "width": 4})
    study = Search(
        name="more",
        base=base,
        space={"learning_rate": FloatDistribution(1e-4, 1e-1, log=True)},
        trials=3,
        replicates=1,
        confirmations=2,
        startup_trials=2,
        grace_period=40,
        reduction_factor=2,
        workers=1,
    )
    options: dict[str, Any] = {"run": "run", "cores": 1}
    whole = run_study(replace(study, trials=6), Options(out=tmp_path / "whole", **options))
    run = run_study(study, Options(out=tmp_path / "few", **options))
    record, _ = resume(run, Options(cores=1), 6)
    assert record.state == "finished"
    assert differences(run, whole) == []
    assert isinstance(read_history(run), History)
    assert record.winner == read_study(whole).winner
