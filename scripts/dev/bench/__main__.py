"""`scripts/bench`: lists or runs the comparisons."""

from __future__ import annotations

import time
from importlib.metadata import version
from importlib.util import find_spec
from typing import Annotated, Any

import torch
import typer

from dev.bench.comparison import COMPARISONS, Case
from dev.bench.measure import Timing, measure
from dev.bench.race import RACES, Race
from dev.bench.race import markdown as standings_table
from dev.bench.race import run as run_heat
from dev.bench.table import markdown
from dgm_cli.common import messages, print_json
from dgm_core.errors import ConfigurationError
from dgm_core.training import configure_process
from studies.records.environment import machine, versions

EXTRA = ("jax", "deepxde", "jinns")
_FIRST_SEED = 7_000_001
"""Of races: far from those of searches, ablations and confirmations."""


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Comparisons, by default all; or races, which take long.")
    ] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Name the comparisons and run none.")] = False,
    rounds: Annotated[int, typer.Option(min=1, help="How often each peer has its turn.")] = 7,
    seconds: Annotated[float, typer.Option(min=0.001, help="About how long a turn lasts.")] = 0.25,
    cpu: Annotated[bool, typer.Option("--cpu", help="Count processor time: for a busy machine.")] = False,
    only: Annotated[str, typer.Option(help="Only cases and peers whose names contain this.")] = "",
    seeds: Annotated[int, typer.Option(min=1, help="Of a race: trainings of each runner.")] = 6,
    patience: Annotated[
        float, typer.Option(min=1.0, help="Of a race: how often the first one's time the others may take.")
    ] = 1.0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object with the numbers.")] = False,
) -> None:
    """Times peers that do the same work in turn on one thread: ratios first, medians and ranges."""
    races = [RACES.get(name) for name in names or () if name in RACES.names()]
    chosen = [COMPARISONS.get(name) for name in names or COMPARISONS if name not in RACES.names()]
    if list_only:
        for comparison in (*chosen, *(races if names else map(RACES.get, RACES))):
            messages.print(f"{comparison.name}: {comparison.about}")
        return
    configure_process()
    torch.set_flush_denormal(True)  # for the peers too: a training flushes them while it steps
    clock = time.process_time if cpu else time.perf_counter
    results_by_name: dict[str, Any] = {}
    for comparison in chosen:
        messages.print(f"{comparison.name}: {comparison.about}")
        results: list[Timing] = []
        for case in comparison.cases():
            case = _part(case, only)
            if len(case.peers) > 0:
                messages.print(f"  {case.title}")
                _tell_missing(case)
                results += measure(case, rounds, seconds, clock)
        results_by_name[comparison.name] = [result.to_dict() for result in results]
        if not json:
            print(f"\n{comparison.name}: {comparison.about}\n\n{markdown(results, comparison.unit)}\n")
    for race in races:
        results_by_name[race.name] = _run_race(race, only, seeds, patience, json=json)
    if json:
        print_json(
            {
                "clock": clock.__name__,
                "machine": machine(),
                "versions": versions() | _extra(),
                "comparisons": results_by_name,
            }
        )


def _run_race(race: Race, only: str, seeds: int, patience: float, *, json: bool) -> list[dict[str, Any]]:
    """The standings of a race's heats whose names contain `only`; processor time."""
    messages.print(f"{race.name}: {race.about}")
    standings = []
    for heat in race.heats():
        if only in heat.title:
            messages.print(f"  {heat.title}")
            standings += run_heat(heat, range(_FIRST_SEED, _FIRST_SEED + seeds), patience=patience)
    if not json:
        print(f"\n{race.name}: {race.about}; medians of {seeds} seeds\n\n{standings_table(standings)}\n")
    return [standing.to_dict() for standing in standings]


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
