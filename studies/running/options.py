"""How a study is run, apart from what it asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from studies.tune.head import Head
from studies.tune.session import check_cores


@dataclass(frozen=True)
class Options:
    """How to run a study.

    out: where run folders are made; run: this one's name, by default the UTC time.  cores:
    processor cores to use, by default all of this machine or of the cluster; oversubscribe: more than there
    are is allowed, for tests.  device: "auto", "cpu" or "cuda", of which trials share what there is.
    address: see `studies.tune.session.ray_session`; begun: a Ray on this machine that was begun before,
    for these cores.  storage: a folder or "s3://bucket/prefix" that all nodes reach, for the checkpoints and
    a copy of the run folder; by default the run folder itself.  log_to: see
    `studies.tune.loggers.make_loggers`.
    """

    out: Path = Path("results")
    run: str | None = None
    seed: int = 0
    quick: bool = False
    cores: int | None = None
    oversubscribe: bool = False
    device: str = "auto"
    address: str = "local"
    begun: Head | None = None
    storage: str | None = None
    dashboard: bool = False
    log_to: tuple[str, ...] = ()
    command: str | None = None
    console: Console = field(default_factory=lambda: Console(stderr=True, markup=False))

    @property
    def joins(self) -> bool:
        """Whether the study joins a cluster that runs, in place of a Ray of its own."""
        return self.address != "local"

    @property
    def here(self) -> int:
        """Cores of this machine to use.  Raises ConfigurationError where it has fewer than asked for."""
        if self.oversubscribe and self.cores is not None:
            return self.cores
        return check_cores(self.cores, address=self.address)

    @property
    def command_name(self) -> str:
        """What is said to hold the run."""
        return self.command or "studies.run"
