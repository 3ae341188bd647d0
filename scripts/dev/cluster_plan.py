"""`scripts/cluster/plan`: what a study of many trials on many nodes asks of its head, by simulation.

The costs are measured here, in processor time, with the parts that a study uses: the real plan of a search
with made-up trainings, a log, Optuna's database, a checkpoint.  The simulation has workers that train and a
head that serves their reports in turn; nothing else of a cluster is in it.
"""

from __future__ import annotations

import heapq
import io
import math
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from dev.order import SimulatedTraining
from dev.searches import load_search
from dgm_cli.common import messages
from dgm_core import Trainer
from studies.planning.course import Course
from studies.planning.plans import SearchPlan
from studies.records import OPTUNA
from studies.records.log import LOG, Log
from studies.running.describe import study_record
from studies.running.mirror import Mirror, open_database
from studies.study import Search
from studies.trials.trainable import CHECKPOINT_SECONDS, REPORT_SECONDS

PUT_DOLLARS = 5e-6
"""Of a write into S3, by Amazon's list of prices for its standard class."""
PUTS_A_SECOND = 3500
"""That S3 takes below one prefix, by Amazon's documentation."""


@dataclass(frozen=True)
class Costs:
    """Of a trial: seconds of the head's processor to suggest and decide, and events and bytes of the log.

    sync: seconds until an append is on this disk.  mirror: seconds to add a trial to Optuna's database.
    checkpoint: bytes.
    """

    decide: float
    events: float
    log: float
    sync: float
    mirror: float
    checkpoint: int


def measure(study: Search, scheduled: int, trials: int) -> Costs:
    """Runs the plan of a search of so many trials, `scheduled` of them under way at a time."""
    asked = replace(study, trials=trials, workers=scheduled)
    with tempfile.TemporaryDirectory() as folder, Log(Path(folder)) as log:
        course = Course(SearchPlan(asked, 0, {}), log)
        began = time.process_time()
        _play(course, scheduled)
        spent = time.process_time() - began
        size = log.path.stat().st_size
        record = study_record(asked, run="plan", seed=0, quick=False, cores=1, command=None)
        mirrored = time.process_time()
        Mirror(open_database(Path(folder, OPTUNA)), record, study.name).tend(course.history)
        mirrored = time.process_time() - mirrored
        appends = [_timed(log) for _ in range(50)]
        events = len((Path(folder) / LOG).read_bytes().splitlines()) - len(appends)
    return Costs(
        decide=spent / trials,
        events=events / trials,
        log=size / trials,
        sync=statistics.median(appends),
        mirror=mirrored / trials,
        checkpoint=_checkpoint(study),
    )


def _play(course: Course, scheduled: int) -> None:
    """Lets the trials of the search report at once what they are asked for, as often as the plan wants."""
    live: list[SimulatedTraining] = []
    random = np.random.default_rng(0)
    while True:
        while len(live) < scheduled and (trial := course.next(0)) is not None:
            live.append(SimulatedTraining(trial, 1.0, 0.05 * math.exp(random.normal())))
        if not live:
            return
        for each in live:
            if course.entry(each.trial.name).running and not course.waits(each.trial.name):
                each.done = each.stop
                course.report(each.trial.name, each.metrics())
        live = [each for each in live if course.entry(each.trial.name).running]


def _timed(log: Log) -> float:
    from studies.records.events import Cut

    began = time.perf_counter()
    log.append([Cut()])
    return time.perf_counter() - began


def _checkpoint(study: Search) -> int:
    """Bytes of a checkpoint at the end of a training, its curves included."""
    trainer = Trainer(study.base, range(study.replicates))
    trainer.advance(10)
    content = io.BytesIO()
    torch.save(trainer.state(), content)
    row = trainer.curves.losses[0].numel() * trainer.curves.losses.element_size()
    return content.tell() + row * (study.max_t - 10)


@dataclass(frozen=True)
class Way:
    """How a study is run.

    report: seconds between a trial's reports of progress.  grouped: events that come while the log is being
    written are written together next.  heads: that share the trials.
    """

    name: str
    report: float = REPORT_SECONDS
    grouped: bool = False
    heads: int = 1


@dataclass(frozen=True)
class Service:
    """Seconds that a head takes for a trial's events, for their writes, and for a report of progress."""

    decide: float
    write: float
    report: float


def simulate(workers: int, trials: int, seconds: float, service: Service, way: Way) -> tuple[float, float]:
    """Hours to the end, and the share of the workers' time in which they wait for a head.

    Infinite and 1 where reports of progress alone are more than a head can take.  A trial trains for
    `seconds`, times a factor that differs from trial to trial (log-normal, spread 0.3); a head serves one
    trial after the other.
    """
    workers, trials = workers // way.heads, trials // way.heads
    busy = workers * service.report / way.report
    if workers == 0 or busy >= 1:
        return math.inf, 1.0
    served = (service.decide + (0.0 if way.grouped else service.write)) / (1 - busy)
    stored = service.write if way.grouped else 0.0
    random = np.random.default_rng(0)
    lengths: Iterator[float] = iter(seconds * np.exp(0.3 * random.normal(size=trials) - 0.045))
    reports = [next(lengths) for _ in range(min(workers, trials))]  # when each worker's trial ends
    heapq.heapify(reports)
    free, trained, last = 0.0, sum(reports), 0.0
    while reports:
        free = max(free, heapq.heappop(reports)) + served
        last = free + stored
        length = next(lengths, None)
        if length is not None:
            trained += length
            heapq.heappush(reports, last + length)
    return last / 3600, 1.0 - trained / (workers * last)


WAYS = (
    Way("as it is"),
    Way("progress every 60 s", report=60),
    Way("and writes grouped", report=60, grouped=True),
    Way("and 8 heads", report=60, grouped=True, heads=8),
)


def plan(
    study: Annotated[str, typer.Option(help="A search, whose plan and network are used.")] = "heat-search",
    trials: Annotated[int, typer.Option(help="Trials.")] = 100_000,
    cores: Annotated[int, typer.Option(help="Cores of a node.")] = 16,
    seconds: Annotated[float, typer.Option(help="That a trial trains.")] = 300.0,
    put: Annotated[float, typer.Option(help="Seconds until a write is in the store.")] = 0.03,
    result: Annotated[float, typer.Option(help="Seconds that Ray Tune takes for a report.")] = 0.003,
) -> None:
    """Say what a study asks of its head, its log, Optuna's database and its store, and where each breaks."""
    chosen = load_search(study)
    measured = {scheduled: measure(chosen, scheduled, max(100, 2 * scheduled)) for scheduled in (4, 64)}
    messages.print("| trials under way | to suggest and decide, ms a trial | log, events and KB a trial |")
    messages.print("| --- | --- | --- |")
    for scheduled, cost in measured.items():
        messages.print(f"| {scheduled} | {1e3 * cost.decide:.3g} | {cost.events:.3g}, {cost.log / 1e3:.3g} |")
    costs = measured[64]
    messages.print(
        f"\nA log's append {1e3 * costs.sync:.2g} ms on this disk, {1e3 * put:.2g} ms in the store (assumed);"
        " "
        f"a report at Ray Tune {1e3 * result:.2g} ms (assumed);\na trial into Optuna's database "
        f"{1e3 * costs.mirror:.2g} ms; a checkpoint {costs.checkpoint / 1e6:.2g} MB.\n"
    )
    appends = costs.events / 2  # a report and what follows from it are one
    service = Service(costs.decide + appends * result, appends * (costs.sync + put), result)
    _demands(costs, trials, cores, seconds, put, result)
    messages.print("\n| nodes | " + " | ".join(way.name for way in WAYS) + " |", soft_wrap=True)
    messages.print("| --- |" + " --- |" * len(WAYS))
    for nodes in (1, 10, 100, 1000):
        cells = []
        for way in WAYS:
            hours, waits = simulate(nodes * cores, trials, seconds, service, way)
            cells.append("breaks" if math.isinf(hours) else f"{hours:.3g} h, {100 * waits:.0f} %")
        messages.print(f"| {nodes} | {' | '.join(cells)} |")


def _demands(costs: Costs, trials: int, cores: int, seconds: float, put: float, result: float) -> None:
    """What is asked of each part in a second, what it does in one, and the nodes at which it breaks."""
    per_node = cores / seconds  # trials a second
    parts = {
        "Ray Tune's loop: reports of progress": (cores / REPORT_SECONDS, 1 / result),
        "the plan: suggestions and decisions": (per_node, 1 / costs.decide),
        "the log in the store: appends": (per_node * costs.events / 2, 1 / (put + costs.sync)),
        "Optuna's database: trials": (per_node, 1 / costs.mirror),
        "the store: checkpoints": (cores / CHECKPOINT_SECONDS, PUTS_A_SECOND),
    }
    messages.print("| part | a node asks, /s | it does, /s | breaks at nodes |")
    messages.print("| --- | --- | --- | --- |")
    for name, (asked, does) in parts.items():
        messages.print(f"| {name} | {asked:.3g} | {does:.3g} | {does / asked:.3g} |")
    writes = trials * seconds / CHECKPOINT_SECONDS
    messages.print(
        f"\n{trials:,} trials leave a log of {trials * costs.log / 1e9:.2g} GB and write {writes:.2g} "
        f"checkpoints,\nwhich are {writes * costs.checkpoint / 1e12:.2g} TB and "
        f"{writes * PUT_DOLLARS:,.0f} dollars at S3."
    )


if __name__ == "__main__":
    typer.run(plan)
