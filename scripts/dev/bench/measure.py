"""Times peers in turn, round by round, so that whatever else the machine does meets all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dev.bench.comparison import Case, Peer, Work

Clock = Callable[[], float]
"""Seconds: `time.perf_counter`, or `time.process_time` where the machine does other work too."""


@dataclass(frozen=True)
class RoundRange:
    """The median of some rounds and their range."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> RoundRange:
        """That of values, one for each round."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Timing:
    """A peer's milliseconds for a unit, and how many times as fast as the case's first peer it is.

    The ratio is taken within each round: both sides met the same machine.
    """

    case: str
    peer: str
    ratio: RoundRange
    milliseconds: RoundRange
    rounds: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def measure(case: Case, rounds: int, seconds: float, clock: Clock = time.perf_counter) -> list[Timing]:
    """The peers of a case that can run, in order; each round gives each of them about `seconds`."""
    peers = [peer for peer in case.peers if not peer.missing]
    works = [peer.make() for peer in peers]
    units = [_units(peer, work, seconds, clock) for peer, work in zip(peers, works, strict=True)]
    times: list[list[float]] = [[] for _ in peers]
    for _ in range(rounds):
        for peer, work, count, peer_times in zip(peers, works, units, times, strict=True):
            peer_times.append(1e3 * _timed(work, count, clock) / (count * peer.share))
    return [_result(case, peer, peer_times, times[0]) for peer, peer_times in zip(peers, times, strict=True)]


def _result(case: Case, peer: Peer, peer_times: Sequence[float], first: Sequence[float]) -> Timing:
    ratios = [a / b for a, b in zip(first, peer_times, strict=True)]
    return Timing(case.title, peer.name, RoundRange.of(ratios), RoundRange.of(peer_times), len(peer_times))


def _units(peer: Peer, work: Work, seconds: float, clock: Clock) -> int:
    """As many as fill about `seconds`, once the work has warmed up."""
    work(peer.warm_up)
    count = 1
    while (spent := _timed(work, count, clock)) < seconds / 4:
        count = max(2 * count, min(8 * count, round(count * seconds / max(spent, 1e-9) / 2)))
    return max(1, round(count * seconds / spent))


def _timed(work: Work, count: int, clock: Clock) -> float:
    begin = clock()
    work(count)
    return clock() - begin
