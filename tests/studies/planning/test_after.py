"""What a search asks once it is over: which trials, on which seeds, and the same after any interruption."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path

import pytest

from dgm_core import ConfigurationError, Setup
from studies.cost import training_times
from studies.records.history import Entry, History
from studies.study import replicate_seeds
from tests.studies.planning.test_course import finished, outcome
from tests.studies.running.synthetic import SEARCH

ASKED = replace(SEARCH, confirm_top=3, audit=0.3, explain=True)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return finished(tmp_path_factory.mktemp("after") / "run", 2, random.Random(0), study=ASKED)


def ended(history: History, status: str) -> list[Entry]:
    own = [entry for entry in history.phase("search") if entry.status == status]
    return sorted(own, key=lambda entry: entry.score)


def test_the_next_best_are_confirmed_on_the_winner_s_seeds(history: History) -> None:
    best = [entry.spec for entry in ended(history, "completed")[:3]]
    rivals = history.phase("rivals")
    assert list(dict.fromkeys(entry.spec.arm for entry in rivals)) == [spec.trial for spec in best[1:]]
    assert rivals[0].spec.setup == best[1].setup
    for arm in (best[1].trial, best[2].trial):
        seeds = [seed for entry in rivals if entry.spec.arm == arm for seed in entry.spec.seeds]
        assert seeds == replicate_seeds(1, "confirm", SEARCH.confirmations)
    assert all(entry.status == "completed" for entry in rivals)


@pytest.mark.parametrize(("confirmations", "limit", "trained"), [(3, 9, 9), (3, 8, 8), (8, 16, 8), (3, 3, 3)])
def test_seeds_are_added_while_it_is_open_which_is_better(
    tmp_path: Path, confirmations: int, limit: int, trained: int
) -> None:
    """The winner is better at every seed: eight of them say so at 2.5 %, three or six at no level."""
    study = replace(SEARCH, confirmations=confirmations, confirm_limit=limit)
    history = finished(tmp_path / "run", 2, random.Random(0), study=study)
    for arm in ("winner", "baseline"):
        own = [entry.spec for entry in history.phase("confirm") if entry.spec.arm == arm]
        ordered = sorted(own, key=lambda spec: spec.first)
        assert [seed for spec in ordered for seed in spec.seeds] == replicate_seeds(1, "confirm", trained)
        assert len({spec.folder for spec in own}) == len(own)
    killed = finished(tmp_path / "killed", 3, random.Random(1), kills=4, study=study)
    assert outcome(killed) == outcome(history)


def test_a_limit_below_the_first_look_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="confirm_limit = 2 of synthetic-search is not allowed"):
        replace(SEARCH, confirm_limit=2)


def test_stopped_trials_are_trained_to_their_ends_for_a_share_of_the_cost(history: History) -> None:
    stopped = {entry.spec.trial: entry for entry in ended(history, "stopped")}
    audited = history.phase("audit")
    assert audited
    for entry in audited:
        twin = stopped[str(entry.spec.arm)]
        assert (entry.spec.setup, entry.spec.seeds) == (twin.spec.setup, twin.spec.seeds)
        assert entry.iterations == entry.asked > twin.iterations

    def cost(entry: Entry) -> float:
        setup = Setup.from_dict(entry.spec.setup)
        return training_times(setup, len(entry.spec.seeds), (entry.iterations,))[0]

    limit = 0.3 * sum(map(cost, [*stopped.values(), *ended(history, "completed")]))
    assert sum(map(cost, audited)) - max(map(cost, audited)) < limit, "without the last that was drawn"
    assert sum(map(cost, audited)) >= limit or len(audited) == len(stopped)


def test_the_way_from_the_baseline_to_the_winner_changes_one_setting_at_a_time(history: History) -> None:
    best = ended(history, "completed")[0].spec
    steps = {entry.spec.arm: entry.spec for entry in history.phase("path")}
    configs = [SEARCH.compared.flat(), *(spec.config for spec in steps.values()), best.config]
    for (one, other), arm in zip(itertools.pairwise(configs), [*steps, None], strict=True):
        differ = [key for key in other if one[key] != other[key]]
        assert len(differ) == 1
        assert arm is None or differ == [arm]
    assert len(steps) == len([key for key in best.config if configs[0][key] != best.config[key]]) - 1


def test_the_same_with_kills_and_without_the_questions_the_search_is_the_same(
    history: History, tmp_path: Path
) -> None:
    killed = finished(tmp_path / "killed", 3, random.Random(1), kills=3, study=ASKED)
    assert outcome(killed) == outcome(history)
    plain = finished(tmp_path / "plain", 2, random.Random(0), study=SEARCH)
    assert not plain.phase("rivals", "audit", "path")
    for one, other in zip(plain.phase("search", "confirm"), history.phase("search", "confirm"), strict=True):
        assert (one.spec.setup, one.status, one.score) == (other.spec.setup, other.status, other.score)
    assert plain.best is not None
    assert history.best is not None
    assert plain.best.spec.trial == history.best.spec.trial
