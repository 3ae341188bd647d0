"""Schedulers that pause trials: Ray Tune's Hyperband and BOHB in a study, told again after each kill."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ray.tune.schedulers import FIFOScheduler, HyperBandForBOHB, HyperBandScheduler
from ray.tune.search import ConcurrencyLimiter
from ray.tune.search.bohb import TuneBOHB, bohb_search

from dgm_core import ConfigurationError
from studies.records.events import Decided, Ended, Event, Paused, Reported, Resumed
from studies.records.history import History
from studies.records.log import LOG, Log, read_log
from studies.tune.private.stand_in import PAUSING
from studies.tune.ray_parts import Arrival
from tests.studies.tune.test_arrival import ARRIVAL, Tune, finished, seeded

RATES = {"learning_rate": ARRIVAL.space["learning_rate"]}
"""Trials as long as each other."""


def brackets() -> HyperBandScheduler:
    """Brackets of two: each second one halves."""
    return HyperBandScheduler(max_t=2, reduction_factor=2, stop_last_trials=False)


def bohb() -> HyperBandForBOHB:
    return HyperBandForBOHB(time_attr="iterations", max_t=256, reduction_factor=4, stop_last_trials=False)


class InTurn(FIFOScheduler):
    """Pauses each trial at each report, and lets the first that waits go on."""

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        return str(self.PAUSE)


class Forgotten(InTurn):
    """Never lets one go on."""

    def choose_trial_to_run(self, tune_controller: Any) -> None:
        return None


def log_of(folder: Path, *kinds: type) -> list[Any]:
    return [event for event in read_log(folder) if isinstance(event, kinds)]


@pytest.mark.parametrize(
    ("make", "cores", "kills"),
    [
        (brackets, 4, 3),
        (bohb, 1, 0),
        (bohb, 3, 5),
        ("bohb", 1, 0),
        ("bohb", 4, 3),
        (InTurn, 2, 3),
        (Forgotten, 1, 0),
        (Forgotten, 3, 5),
    ],
)
def test_paused_trials_go_on_or_end_where_they_stand(
    tmp_path: Path, make: Any, cores: int, kills: int
) -> None:
    run = tmp_path / "run"
    history, _ = finished(run, replace(ARRIVAL, space=RATES, scheduler=make), cores=cores, kills=kills)
    entries = history.phase("search")
    assert len(entries) == ARRIVAL.trials
    assert all(entry.status in ("completed", "stopped", "diverged") for entry in entries)
    paused, resumed = log_of(run, Paused), log_of(run, Resumed)
    assert paused
    assert resumed or make is brackets  # where the second of two is better, it goes on at once
    waiting: dict[str, int] = {}
    for event in log_of(run, Paused, Resumed, Reported, Ended):
        if isinstance(event, Paused):
            assert event.trial not in waiting
            waiting[event.trial] = event.iterations
        elif isinstance(event, Resumed):
            waiting.pop(event.trial)
        elif isinstance(event, Reported):
            assert event.trial not in waiting
        elif event.trial in waiting:
            assert event.status in ("stopped", "diverged")
            assert event.rung == waiting.pop(event.trial)
    assert not waiting
    looks = [(decided.trial, decided.rung) for decided in history.decisions]
    assert len(looks) == len(set(looks))
    assert {entry.spec.arm for entry in history.phase("confirm")} == {"winner", "baseline"}


def test_brackets_halve(tmp_path: Path) -> None:
    """Of two trials in a bracket the worse is stopped."""
    study = replace(ARRIVAL, space=RATES, scheduler=brackets, searcher=seeded, trials=8)
    history, _ = finished(tmp_path / "run", study, cores=4)
    stopped = [entry for entry in history.phase("search") if entry.status == "stopped"]
    assert stopped
    for entry in stopped:
        assert entry.iterations == study.grace_period
        others = [
            other.reports[study.grace_period] for other in history.phase("search") if other is not entry
        ]
        assert any(other.value < entry.score for other in others)


@pytest.mark.parametrize("make", [brackets, bohb, InTurn])
def test_a_killed_search_goes_on_as_it_would_have(tmp_path: Path, make: Callable[[], Any]) -> None:
    """With one worker and a seeded searcher nothing depends on what arrives first."""
    study = replace(ARRIVAL, scheduler=make, searcher=seeded)
    finished(tmp_path / "whole", study, cores=1)
    finished(tmp_path / "killed", study, cores=1, kills=9, seed=2)
    kinds = (Reported, Decided, Paused, Resumed, Ended)
    whole, killed = (
        [event.model_copy(update={"time": 0.0}) for event in log_of(tmp_path / name, *kinds)]
        for name in ("whole", "killed")
    )
    assert killed == whole


@pytest.mark.parametrize("make", [brackets, bohb])
def test_what_followed_from_the_last_event_is_done_after_a_crash(
    tmp_path: Path, make: Callable[[], Any]
) -> None:
    """Died after each event of a log in turn: what is decided next is what was decided then."""
    study = replace(ARRIVAL, scheduler=make, searcher=seeded, trials=6)
    finished(tmp_path / "whole", study, cores=1)
    events = list(read_log(tmp_path / "whole"))
    decides = [at for at, event in enumerate(events) if isinstance(event, Decided | Paused | Resumed)]
    for cut in decides:
        folder = tmp_path / f"cut-{cut}"
        folder.mkdir()
        lines = [event.model_dump_json().encode() + b"\n" for event in events[:cut]]
        (folder / LOG).write_bytes(b"".join(lines))
        with Log(folder) as log:
            driver = Tune(folder, log, study, 1, random.Random(0), [])
            driver.searcher.suggest("any")
        done = [_bare(event) for event in read_log(folder)]
        assert done[cut] == _bare(events[cut])


def test_a_paused_trial_has_no_worker_and_the_table_says_so(tmp_path: Path) -> None:
    with Log(tmp_path) as log:
        driver = Tune(
            tmp_path, log, replace(ARRIVAL, scheduler=InTurn, searcher=seeded), 2, random.Random(0), []
        )
        driver.step()
        (paused,) = [entry for entry in driver.course.history.entries.values() if entry.paused]
        assert paused.running
        assert paused.trial not in driver.pool.busy
        assert History(read_log(tmp_path)).entries[paused.trial].paused


def test_a_time_limit_ends_paused_trials(tmp_path: Path) -> None:
    with Log(tmp_path) as log:
        driver = Tune(tmp_path, log, replace(ARRIVAL, scheduler=Forgotten), 1, random.Random(0), [])
        while not any(entry.status == "completed" for entry in driver.course.history.phase("search")):
            driver.step()
        waited = [entry for entry in driver.course.history.phase("search") if entry.paused]
        assert waited
        driver.course.cut()
        assert {entry.status for entry in waited} == {"interrupted"}
        while driver.step():
            pass
        assert driver.course.done


def test_bohb_s_searcher_goes_with_its_own_scheduler_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bohb_search, "BOHB", object)  # as if its packages were installed
    monkeypatch.setattr(TuneBOHB, "set_search_properties", lambda self, metric, mode, config: True)
    for asked in ("bohb", TuneBOHB, lambda: ConcurrencyLimiter(TuneBOHB(), 2)):
        with pytest.raises(
            ConfigurationError, match="learns from HyperBandForBOHB alone: add scheduler='bohb'"
        ):
            Arrival(replace(ARRIVAL, searcher=asked))
        Arrival(replace(ARRIVAL, searcher=asked, scheduler="bohb"))


def test_bohb_asks_for_its_packages() -> None:
    if bohb_search.BOHB is not None:
        pytest.skip("they are installed")
    with pytest.raises(ConfigurationError, match=r"'bohb' cannot be created: HpBandSter must be installed"):
        Arrival(replace(ARRIVAL, searcher="bohb", scheduler="bohb"))


@pytest.mark.parametrize("kills", [0, 4])
def test_bohb_learns_from_paused_trials_and_again_after_kills(tmp_path: Path, kills: int) -> None:
    pytest.importorskip("hpbandster")
    study = replace(ARRIVAL, searcher="bohb", scheduler="bohb", trials=16)
    history, said = finished(tmp_path / "run", study, kills=kills)
    assert len(history.phase("search")) == 16
    assert said == []
    with Log(tmp_path / "run") as log:
        driver = Tune(tmp_path / "run", log, study, 2, random.Random(0), [])
        knows = driver.scheduler._heard.searcher.bohber  # type: ignore[attr-defined]
    assert sum(map(len, knows.configs.values())) > 0
    assert not driver.scheduler._heard.searcher.paused  # type: ignore[attr-defined]


def test_this_ray_pauses_trials() -> None:
    assert PAUSING.usable


def test_another_ray_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGM_RAY_PUBLIC", "pausing")
    for make in ("hyperband", bohb):
        with pytest.raises(ConfigurationError, match="not allowed in a study with this version of Ray"):
            Arrival(replace(ARRIVAL, scheduler=make))


def _bare(event: Event) -> Event:
    return event.model_copy(update={"time": 0.0})
