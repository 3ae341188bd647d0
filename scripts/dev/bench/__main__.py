"""`scripts/bench`: lists or runs the comparisons."""

from __future__ import annotations

import time
from importlib.metadata import version
from importlib.util import find_spec
from typing import Annotated, Any

import typer

from dev.bench.comparison import COMPARISONS, Case
from dev.bench.measure import Result, measure
from dev.bench.table import markdown
from dgm_cli.common import messages, print_json
from dgm_core.errors import ConfigurationError
from dgm_core.training import configure_process
from studies.records.environment import machine, versions

EXTRA = ("jax", "deepxde")


def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Comparisons; by default all.")] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Name the comparisons and run none.")] = False,
    rounds: Annotated[int, typer.Option(min=1, help="How often each peer has its turn.")] = 7,
    seconds: Annotated[float, typer.Option(min=0.001, help="About how long a turn lasts.")] = 0.25,
    cpu: Annotated[bool, typer.Option("--cpu", help="Count processor time: for a busy machine.")] = False,
    only: Annotated[str, typer.Option(help="Only cases and peers whose names contain this.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object with the numbers.")] = False,
) -> None:
    """Times peers that do the same work in turn on one thread: ratios first, medians and ranges."""
    chosen = [COMPARISONS.get(name) for name in names or COMPARISONS]
    if list_only:
        for comparison in chosen:
            messages.print(f"{comparison.name}: {comparison.about}")
        return
    configure_process()
    clock = time.process_time if cpu else time.perf_counter
    found: dict[str, Any] = {}
    for comparison in chosen:
        messages.print(f"{comparison.name}: {comparison.about}")
        results: list[Result] = []
        for case in comparison.cases():
            case = _part(case, only)
            if len(case.peers) > 0:
                messages.print(f"  {case.title}")
                _tell_missing(case)
                results += measure(case, rounds, seconds, clock)
        found[comparison.name] = [result.to_dict() for result in results]
        if not json:
            print(f"\n{comparison.name}: {comparison.about}\n\n{markdown(results, comparison.unit)}\n")
    if json:
        print_json(
            {
                "clock": clock.__name__,
                "machine": machine(),
                "versions": versions() | _extra(),
                "comparisons": found,
            }
        )


def _part(case: Case, only: str) -> Case:
    """The case with its first peer and those asked for."""
    if not only or only in case.title:
        return case
    asked = [peer for peer in case.peers[1:] if only in peer.name]
    return Case(case.title, (case.peers[0], *asked) if asked else ())


def _tell_missing(case: Case) -> None:
    for peer in case.peers:
        if peer.missing:
            messages.print(f"  without {peer.name}: {', '.join(peer.missing)} is not installed ('.[peers]').")


def _extra() -> dict[str, str]:
    return {name: version(name) for name in EXTRA if find_spec(name) is not None}


def main() -> None:
    """Runs the command; what is wrong with an input is one sentence and exit code 2."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(bench)
    try:
        app(prog_name="scripts/bench")
    except ConfigurationError as error:
        messages.print(f"scripts/bench: {error}")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
