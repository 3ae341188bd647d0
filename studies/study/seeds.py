"""The seeds of a study's replicates, disjoint between its phases."""

from __future__ import annotations

from dgm_core import ConfigurationError

PHASES = {"ablation": 0, "tune": 2_500, "confirm": 5_000, "solve": 7_500, "search": 10_000}
"""Offset of each phase's seeds: those that choose settings and those that report on them never meet."""
_SEED_STRIDE = 20_000


def replicate_seeds(seed: int, phase: str, count: int) -> list[int]:
    """The seeds of `count` replicates, disjoint between phases and between study seeds."""
    if not 1 <= count <= 2_500:
        raise ConfigurationError(f"replicates = {count} is not allowed: it must be from 1 to 2500.")
    if not 0 <= seed <= 2**48:
        raise ConfigurationError(f"seed = {seed} is not allowed: it must be from 0 to 2**48.")
    start = seed * _SEED_STRIDE + PHASES[phase]
    return list(range(start, start + count))
