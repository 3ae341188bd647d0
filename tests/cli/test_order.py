"""`scripts/order`: a simulated search in the order of its clock, and in the order of arrival."""

from __future__ import annotations

from dev.order import simulate
from tests.studies.running.synthetic import SEARCH


def test_a_simulated_search_depends_on_its_seed_and_its_clock_alone() -> None:
    logical = simulate(SEARCH, 2, 0.3, 1, logical=True)
    arrival = simulate(SEARCH, 2, 0.3, 1, logical=False)
    assert simulate(SEARCH, 2, 0.3, 1, logical=True) == logical, "a simulation leaves nothing behind"
    assert arrival != logical
    for seconds, idle in (logical, arrival):
        assert seconds > 0.0
        assert 0.0 <= idle < 1.0
