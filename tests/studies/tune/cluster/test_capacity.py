"""How many trials train on the nodes there are, and what each reserves."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dgm_core import ConfigurationError
from studies import Resources
from studies.tune.cluster import capacity
from studies.tune.cluster.capacity import Node, Places, fitting

LAPTOP = [{"CPU": 8.0, "memory": 16 * 2.0**30}]
MIXED = [{"CPU": 3.0}, {"CPU": 5.0, "GPU": 1.0}, {"CPU": 2.0, "GPU": 4.0, "memory": 2.0**30}]


def places(
    monkeypatch: pytest.MonkeyPatch,
    there: list[Node],
    coming: Sequence[Node] | None = (),
    **asked: float,
) -> Places:
    monkeypatch.setattr(capacity, "alive", lambda: there)
    monkeypatch.setattr(capacity, "expected", lambda: coming)
    return Places.of(Resources(**asked), 0.0, limit=None, joined=True)


@pytest.mark.parametrize(
    ("asked", "count"),
    [({"cpus": 1}, 10), ({"cpus": 2}, 4), ({"cpus": 1, "gpus": 0.5}, 4), ({"cpus": 1, "gpus": 2}, 2)],
)
def test_trials_fit_node_by_node(asked: dict, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert places(monkeypatch, MIXED, **asked).trains == count


def test_all_that_are_under_way_have_a_place_on_the_smallest_node(monkeypatch: pytest.MonkeyPatch) -> None:
    found = places(monkeypatch, MIXED, cpus=2)
    share = found.share(7)
    assert fitting(MIXED[2:], share) >= 7
    assert places(monkeypatch, LAPTOP).share(4) == {"CPU": 1.0}
    assert places(monkeypatch, LAPTOP).share(16) == {"CPU": 0.5}


def test_memory_is_reserved_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    found = places(monkeypatch, LAPTOP, memory_gib=4)
    assert found.trains == 4
    assert found.share(4)["memory"] == 4 * 2**30
    with pytest.raises(
        ConfigurationError, match=r"5 trials under way at once, .* the nodes have room for only 4"
    ):
        found.share(5)


def test_what_no_node_has_is_refused_and_what_an_autoscaler_brings_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ConfigurationError, match=r"needs 1 core and 8 GPUs, .* one node is 5 cores, 4 GPUs"):
        places(monkeypatch, MIXED, gpus=8)
    with pytest.raises(ConfigurationError, match=r"16 GiB of memory|no node has that"):
        places(monkeypatch, LAPTOP, memory_gib=32)
    found = places(monkeypatch, MIXED, [{"CPU": 64.0, "GPU": 8.0}], gpus=8)
    assert found.trains == 0
    assert found.share(1) == {"CPU": 1.0, "GPU": 8}


def test_where_it_is_not_known_what_may_come_a_study_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    found = places(monkeypatch, LAPTOP, None, cpus=64)
    assert found.trains == 0
    assert found.share(4) == {"CPU": 64.0}
    monkeypatch.setattr(capacity, "expected", lambda: pytest.fail("nobody joins one machine's own Ray"))
    with pytest.raises(ConfigurationError, match="no node has that"):
        Places.of(Resources(cpus=64), 0.0, limit=None, joined=False)


@pytest.mark.parametrize("asked", [{"cpus": 0}, {"gpus": 1.5}, {"gpus": -1}, {"memory_gib": 0}])
def test_amounts_that_cannot_be(asked: dict) -> None:
    with pytest.raises(ConfigurationError, match="is not allowed"):
        Resources(**asked)
