"""What the soak trains: small, of a user's own file, and with what can go wrong in one.

Points become NaN in one replicate, or in all of them, where a parameter asks for it: part of the study, and
the same whenever it is trained.  What is not part of it is a trap, a file that the environment names: the
first process to find it springs it, at the next block of points that it draws.
"""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from torch import Tensor

from dgm_core import Setup
from dgm_core.formulation import Region
from dgm_core.formulation.regions import Sampler
from dgm_core.problems.heat import Heat
from studies.signals import asked
from studies.study import Ablation, Search

TRAP = "DGM_SOAK_TRAP"
"""Variable of the environment that names the trap."""
EXCEPTION, OUT_OF_MEMORY, STANDSTILL = "exception", "out of memory", "standstill"
_MIB = 1 << 20


@dataclass(frozen=True)
class Trapped(Region):
    """Another region, a share of whose blocks of points (`nan_share`) are not finite."""

    region: Region
    nan_share: float = 0.0

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return self.region.bounds

    @property
    def coordinates(self) -> int:
        return self.region.coordinates

    def place(self, unit: Tensor) -> Tensor:
        return self.region.place(unit)

    def draw(self, sampler: Sampler, batches: int, n: int, generator: torch.Generator) -> Tensor:
        spring()
        points = super().draw(sampler, batches, n, generator)
        return points * torch.nan if float(points.std()) % 1e-3 < 1e-3 * self.nan_share else points


def spring() -> None:
    """Does what the trap says, if there is one and no other process has it."""
    path = os.environ.get(TRAP)
    if path is None or not os.path.exists(path):
        return
    try:
        kind = Path(path).read_text()
        os.unlink(path)
    except OSError:
        return
    if kind == OUT_OF_MEMORY:
        _use_up_memory()
    if kind == STANDSTILL:
        while not asked():  # to end; or until it is killed
            time.sleep(0.05)
        return
    raise RuntimeError("the equation has a bad day")


def _use_up_memory() -> None:
    """Allocates until there is no more, of which there is little from now on."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + 64 * _MIB
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    kept = []
    while True:
        kept.append(torch.ones(4 * _MIB))


class Fragile(Heat):
    """The heat equation, from points that are not always finite."""

    nan_share: float = 0.0

    settings = {  # noqa: RUF012 a problem's settings are never changed
        "default": {"width": 8, "depth": 2, "batch_size": 16, "learning_rate": 3e-3, "iterations": 20_000}
    }

    def regions(self) -> dict[str, Region]:
        regions = super().regions()
        return {**regions, "interior": Trapped(regions["interior"], self.nan_share)}


class Feeble(Fragile):
    """The same, for a second row of a reproduction."""


BASE = Setup.named(Fragile(), "default").changed({"iterations": 6_000})
SPACE = {
    "learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
    "iterations": IntDistribution(1_000, 6_000, log=True),
    "problem.nan_share": FloatDistribution(0.0, 0.03),
}

SEARCH = Search(
    name="soak-search",
    base=BASE,
    space=SPACE,
    trials=8,
    replicates=2,
    confirmations=3,
    startup_trials=4,
    grace_period=500,
    reduction_factor=2,
)

ABLATION = Ablation(
    name="soak-ablation",
    base=BASE,
    arms={
        "plain": {},
        "wide": {"width": 16},
        "one or two diverge": {"problem.nan_share": 0.01},
        "all diverge": {"learning_rate": 1e30},
    },
    baseline="plain",
    replicates=3,
)
