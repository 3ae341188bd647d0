"""`scripts/verdicts`: whole simulated searches, whose verdict is compared with what is true."""

from __future__ import annotations

import pytest

from analysis.verdict import verdict
from dev import verdicts
from dev.verdicts import GOOD, NOISES, POOR, Scenario, Tally, World


def tallied(scenario: Scenario, spread: float, searches: int = 3) -> Tally:
    study, tally = verdicts._study(scenario, 6, None, "random"), Tally()
    for number in range(searches):
        world = World(scenario, NOISES["normal"], spread, number)
        tally.add(world, study, *verdicts.simulated(study, world))
    return tally


@pytest.mark.parametrize(("baseline", "claims"), [(GOOD, 0), (POOR, 3)])
def test_with_little_noise_every_verdict_is_right(baseline: dict[str, float], claims: int) -> None:
    tally = tallied(Scenario("clear", 3.0, baseline), spread=0.05)
    assert len(tally.wrong) >= claims
    assert not any(tally.wrong)
    assert len(tally.winner) == len(tally.ratio) == len(tally.chance) == 3
    assert sum(tally.winner) >= 2
    assert sum(tally.ratio) >= 2


def test_a_wrong_truth_is_counted_as_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Medians turned upside down: what was right is wrong."""
    scenario = Scenario("clear", 3.0, POOR)
    world = World(scenario, NOISES["normal"], 0.05, 0)
    study, tally = verdicts._study(scenario, 6, None, "random"), Tally()
    run, setups = verdicts.simulated(study, world)
    assert "better than the baseline" in verdict(run.study, run.trials)
    true = World.median
    monkeypatch.setattr(World, "median", lambda self, setup: 1.0 / true(self, setup))
    tally.add(world, study, run, setups)
    assert tally.wrong == [True]
    assert tally.winner == [False]
    assert tally.ratio == [False]
