"""`scripts/cluster/local`: several Ray nodes on this machine, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import time
from typing import Annotated

import typer

from dgm_cli.cluster.nodes import LocalCluster
from dgm_cli.common import at_least
from dgm_core.errors import ConfigurationError
from studies.errors import StudyError
from studies.records import words

JOBS = 8265
_LOOK_SECONDS = 0.2


def local(
    nodes: Annotated[int, typer.Argument(help="Nodes, the head included.")] = 3,
    cpus: Annotated[int, typer.Option(help="Processor cores that each node says it has.")] = 1,
    port: Annotated[int, typer.Option(help="The head's port.")] = 6379,
    dashboard: Annotated[int, typer.Option(help="Port of Ray's dashboard and of its jobs.")] = JOBS,
) -> None:
    """Start Ray nodes on this machine; Ctrl-C ends them."""
    at_least("nodes", nodes, 1)
    at_least("cpus", cpus, 1)
    ended: list[int] = []  # no Event: a second Ctrl-C within its `set` would wait for itself
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: ended.append(number))
    with LocalCluster(port=port, dashboard=dashboard) as cluster:
        cluster.start(nodes, cpus=cpus)
        up = f"{words.counted(nodes, 'node')} {words.agree(nodes, 'is', 'are')} up"
        print(f"{up}. In other terminals, first:\n")
        print(f"export RAY_AUTH_MODE=token RAY_AUTH_TOKEN={cluster.token}\n")
        print(f"and then, for example:\n\ndgm run heat-search --quick --address {cluster.address}")
        jobs = f"http://127.0.0.1:{dashboard}"
        print(f"dgm submit heat-search --quick --storage results --address {jobs}\n")
        print("Ctrl-C here ends all nodes.", flush=True)
        while not ended:
            time.sleep(_LOOK_SECONDS)


def main() -> None:
    """Runs the command; what is wrong is one sentence."""
    try:
        typer.run(local)
    except (ConfigurationError, StudyError) as error:
        print(f"scripts/cluster/local: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, ConfigurationError) else 1)


if __name__ == "__main__":
    main()
