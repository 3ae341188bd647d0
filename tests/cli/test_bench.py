"""scripts/bench: peers are timed in turn, told in a table, and left out where they cannot run."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from dev.bench.comparison import COMPARISONS, Case, Peer
from dev.bench.measure import measure
from dev.bench.table import markdown

ROOT = Path(__file__).resolve().parents[2]


class Clock:
    """Time passes only in work that is done."""

    def __init__(self) -> None:
        self.now = 0.0
        self.turns: list[str] = []

    def __call__(self) -> float:
        return self.now

    def peer(self, name: str, seconds: float, **options) -> Peer:
        def work(count: int) -> None:
            self.now += count * seconds
            self.turns.append(name)

        return Peer(name, lambda: work, **options)


def test_peers_take_turns_and_are_compared_with_the_first():
    clock = Clock()
    case = Case("work", (clock.peer("slow", 0.4), clock.peer("fast", 0.1, share=5)))
    slow, fast = measure(case, rounds=3, seconds=1.0, clock=clock)
    assert clock.turns[-6:] == ["slow", "fast"] * 3
    assert (slow.milliseconds.median, slow.ratio.median) == pytest.approx((400.0, 1.0))
    assert (fast.milliseconds.median, fast.ratio.median) == pytest.approx((20.0, 20.0))
    assert fast.rounds == 3


def test_a_peer_whose_package_is_missing_is_left_out():
    clock = Clock()
    absent = clock.peer("absent", 1.0, needs=("no_such_package",))
    assert absent.missing == ["no_such_package"]
    results = measure(Case("work", (clock.peer("here", 1.0), absent)), 1, 1.0, clock)
    assert [result.peer for result in results] == ["here"]
    assert "absent" not in clock.turns


def test_the_table_has_the_ratios_first_and_names_a_case_once():
    clock = Clock()
    case = Case("work", (clock.peer("slow", 0.4), clock.peer("fast", 0.1)))
    lines = markdown(measure(case, 2, 1.0, clock), "ms").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0] == ["case", "peer", "times as fast", "range", "ms", "range"]
    assert cells[2] == ["work", "slow", "1.00", "1.00–1.00", "400", "400–400"]
    assert cells[3] == ["", "fast", "4.00", "4.00–4.00", "100", "100–100"]
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize("name", list(COMPARISONS))
def test_every_comparison_has_cases_of_several_peers(name):
    cases = list(COMPARISONS.get(name).cases())
    assert len({case.title for case in cases}) == len(cases) > 0
    for case in cases:
        assert len({peer.name for peer in case.peers}) == len(case.peers) > 1
        assert not case.peers[0].needs


@pytest.mark.parametrize("name", ["replicates", "quadrature", "listings", "laplacian", "widths", "edges"])
def test_each_of_its_peers_is_timed_and_compared_with_the_first(name):
    for case in COMPARISONS.get(name).cases():
        once = replace(case, peers=tuple(replace(peer, warm_up=0) for peer in case.peers))
        results = measure(once, 1, 0.0)
        assert [result.peer for result in results] == [peer.name for peer in case.peers if not peer.missing]
        first = results[0].milliseconds.median
        for result in results:
            assert result.milliseconds.median > 0.0
            assert result.ratio.median == pytest.approx(first / result.milliseconds.median)


def bench(*arguments):
    command = [str(ROOT / "scripts/bench"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_the_numbers_as_json_and_what_is_unknown_in_a_sentence():
    done = bench("replicates", "--rounds", "1", "--seconds", "0.001", "--json")
    (line,) = done.stdout.splitlines()
    found = json.loads(line)
    assert [row["peer"] for row in found["comparisons"]["replicates"]] == ["one after another", "as one axis"]
    assert found["machine"]["cores"] >= 1
    assert found["clock"] == "perf_counter"
    refused = bench("nothing")
    assert refused.returncode == 2
    assert "steps" in refused.stderr
    assert "Traceback" not in refused.stderr
