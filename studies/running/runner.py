"""Launches studies on Ray Tune: the only module that runs a Tuner."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray import tune
from rich.console import Console

from dgm_core import ConfigurationError, Setup, Status
from studies.records import (
    CURVES,
    DECISIONS,
    OPTUNA,
    RAY,
    SOLUTIONS,
    TRIALS,
    State,
    write_study,
    write_table,
)
from studies.records.folders import discard_folder, make_folder
from studies.running import collect
from studies.running.describe import study_record
from studies.running.entries import TrialEntry
from studies.running.journal import Journal
from studies.running.live import LiveTable
from studies.running.outcomes import best_trial, outcome
from studies.running.phase import Saver, run_phase
from studies.running.scheduling import RecordedASHA, SchedulerMemory
from studies.running.session import available_cores, ray_session, session_cores
from studies.running.shipment import Shipment
from studies.running.suggesting import make_suggestions
from studies.running.trainable import SCORE, Job, Task
from studies.sources import keep_sources, sources_record
from studies.study import Ablation, Search, Study


@dataclass(frozen=True)
class Options:
    """How to run a study, apart from what it asks.

    out: where run folders are made; run: this one's name, by default the UTC time.  cores:
    processor cores to use, by default all of this machine or of the cluster.  address: see
    `studies.running.session.ray_session`.
    """

    out: Path = Path("results")
    run: str | None = None
    seed: int = 0
    quick: bool = False
    cores: int | None = None
    address: str = "local"
    dashboard: bool = False
    command: str | None = None
    console: Console = field(default_factory=lambda: Console(stderr=True, markup=False))


def run_study(study: Study, options: Options | None = None) -> Path:
    """Runs a search or an ablation and returns its run folder.

    Raises ConfigurationError, and leaves nothing behind, where the folder exists or cannot be made or
    no cluster answers at the address.
    """
    options = options or Options()
    folder = make_folder(options.out, study.name, options.run)
    try:
        run = _Run(study, folder, options)
    except ConfigurationError:
        discard_folder(folder)
        raise
    try:
        run.launch()
    except KeyboardInterrupt:
        run.record.state = "interrupted"
    except BaseException as error:
        if isinstance(error, ConfigurationError) and not run.journals:
            discard_folder(folder)
        else:
            run.record.state = "failed"
            run.save()
        raise
    run.save()
    return folder


class _Run:
    """One study on its way: its phases' journals, and the record that grows with them."""

    def __init__(self, study: Study, folder: Path, options: Options) -> None:
        self.study = study
        self.folder = folder
        self.options = options
        self.console = options.console
        self.began = time.time()
        self.cores = options.cores or available_cores()
        self.journals: list[Journal] = []
        self.scheduler: RecordedASHA | None = None
        self.sources = keep_sources(folder, study.base)
        self.record = study_record(
            study,
            run=folder.name,
            seed=options.seed,
            quick=options.quick,
            cores=self.cores,
            command=options.command,
        )
        self.record.sources = sources_record(self.sources)
        write_study(folder, self.record)

    def launch(self) -> None:
        """Runs all phases; the state of the record says how it ended."""
        settings = {"address": self.options.address, "dashboard": self.options.dashboard}
        with ray_session(cores=self.cores, **settings) as dashboard:  # type: ignore[arg-type]
            if self.options.cores is None:
                self.cores = self.record.cores = session_cores()
            if dashboard and self.options.dashboard:
                self.console.print(f"Ray's dashboard: http://{dashboard}")
            if isinstance(self.study, Search):
                self._search(self.study)
            else:
                self._ablate(self.study)

    def save(self) -> None:
        """Writes everything known so far."""
        for journal in self.journals:
            journal.close()
        self._save_trials()
        write_table(self.folder, CURVES, collect.curves_frame(collect.checkpointed(self.journals)))
        if self.scheduler is not None and self.journals:
            write_table(self.folder, DECISIONS, collect.decisions_frame(self.scheduler, self.journals[0]))
        self.record.setups = {
            entry.trial: entry.setup.to_dict()
            for journal in self.journals
            for entry in journal.entries.values()
        }
        self.record.seconds = time.time() - self.began
        counted = [journal for journal in self.journals if journal.phase != "confirm"]
        if counted:
            entries = [entry for journal in counted for entry in journal.entries.values()]
            self.record.iterations_run = sum(entry.iterations for entry in entries)
            self.record.iterations_asked = sum(entry.setup.config.iterations for entry in entries)
        write_study(self.folder, self.record)

    def _search(self, study: Search) -> None:
        task = Task((Job(study.base, self._seeds("search")),), study.rungs, suggested=True)
        self.scheduler = RecordedASHA(
            max_t=study.max_t,
            grace_period=study.grace_period,
            reduction_factor=study.reduction_factor,
            began=self.began,
        )
        suggestions = make_suggestions(
            study.space,
            seed=self.options.seed,
            startup_trials=study.startup_trials,
            storage=self.folder / OPTUNA,
            name=study.name,
        )
        journal = self._journal("search", task, self.scheduler)
        begun = time.time()
        complete = self._tune(
            journal,
            task,
            total=study.trials,
            keys=list(study.space),
            config=tune.TuneConfig(
                search_alg=suggestions,
                scheduler=self.scheduler,
                num_samples=study.trials,
                max_concurrent_trials=self.cores * study.trials_per_core,
                time_budget_s=study.time_limit,
                reuse_actors=True,
            ),
            per_core=study.trials_per_core,
        )
        if study.time_limit is not None and time.time() - begun >= study.time_limit:
            complete = True
        winner = best_trial(journal)
        self.record.state = "finished" if complete else "interrupted"
        if complete and winner is not None:
            self.record.state = self._confirm(study, winner)

    def _confirm(self, study: Search, winner: TrialEntry) -> State:
        """Trains the winner and the reference on fresh seeds to their ends; only this is a headline.

        Returns the state in which that leaves the study.
        """
        n = study.confirmations
        self.console.print(f"Confirming trial {winner.trial} and the reference settings on {n} fresh seeds.")
        setups = {"winner": winner.setup, "reference": study.compared}
        # In trials of the search's own number of replicates, so that all cores have work.
        journal = self._arms("confirm", setups, self._seeds("confirm"), together=study.replicates)
        entries = list(journal.entries.values())
        parts = {arm: [entry for entry in entries if entry.arm == arm] for arm in setups}
        if not all(parts.values()) or any(entry.status == Status.INTERRUPTED for entry in entries):
            return "interrupted"
        failed = [entry for entry in entries if entry.status == Status.FAILED]
        if failed:
            self.console.print(f"The confirmation failed: {failed[0].trial}: {failed[0].error}")
            return "failed"
        self.record.winner = outcome(parts["winner"], winner.trial)
        self.record.reference = outcome(parts["reference"], "reference")
        write_table(self.folder, SOLUTIONS, collect.solutions_frame([journal]))
        collect.save_fields(self.folder, journal)
        return "finished"

    def _ablate(self, study: Ablation) -> None:
        seeds = self._seeds("ablation")
        setups = {arm: study.setup(arm) for arm in study.arms}
        if study.tuned_rate:
            rates = self._tune_rates(study, setups)
            if rates is None:
                self.record.state = "interrupted"
                return
            setups = {arm: setup.changed({"learning_rate": rates[arm]}) for arm, setup in setups.items()}
        journal = self._arms("ablation", setups, seeds)
        ended = [entry for entry in journal.entries.values() if entry.status != Status.INTERRUPTED]
        self.record.state = "finished" if len(ended) == len(setups) else "interrupted"
        write_table(self.folder, SOLUTIONS, collect.solutions_frame([journal]))
        collect.save_fields(self.folder, journal)

    def _tune_rates(self, study: Ablation, setups: Mapping[str, Setup]) -> dict[str, float] | None:
        """Every arm's best learning rate by its median error over the tuning seeds; None if interrupted."""
        tried = {
            f"{arm} @ {rate:g}": (arm, rate, setup.changed({"learning_rate": rate}))
            for arm, setup in setups.items()
            for rate in study.rates
        }
        self.console.print(f"Tuning the learning rate of {len(setups)} arms among {len(study.rates)} rates.")
        candidates = {name: setup for name, (_, _, setup) in tried.items()}
        journal = self._arms("tune", candidates, self._seeds("tune"))
        best: dict[str, tuple[float, float]] = {}
        for entry in journal.entries.values():
            if entry.status == Status.INTERRUPTED or entry.arm is None:
                return None
            arm, rate, _ = tried[entry.arm]
            best[arm] = min(best.get(arm, (math.inf, rate)), (entry.result.get(SCORE, math.inf), rate))
        if len(best) < len(setups):
            return None
        self.record.learning_rates = "tuned"
        self.record.tuned_rates = {arm: rate for arm, (_, rate) in best.items()}
        return self.record.tuned_rates

    def _arms(
        self,
        phase: str,
        setups: Mapping[str, Setup],
        seeds: tuple[int, ...],
        together: int | None = None,
    ) -> Journal:
        """Trains every setup to its own end, without early stopping, `together` replicates a trial."""
        size = together or len(seeds)
        jobs = tuple(
            Job(setup, seeds[first : first + size], arm, first)
            for arm, setup in setups.items()
            for first in range(0, len(seeds), size)
        )
        task = Task(jobs)
        journal = self._journal(phase, task, None)
        self._tune(
            journal,
            task,
            total=len(jobs),
            keys=[],
            config=tune.TuneConfig(max_concurrent_trials=self.cores, reuse_actors=True),
            space={"job": tune.grid_search(list(range(len(jobs))))},
        )
        return journal

    def _tune(
        self,
        journal: Journal,
        task: Task,
        *,
        total: int,
        keys: list[str],
        config: tune.TuneConfig,
        space: dict[str, Any] | None = None,
        per_core: int = 1,
    ) -> bool:
        """Runs one phase; whether it came to its end, rather than being interrupted."""
        title = f"{self.study.name}, {journal.phase}"
        table = LiveTable(journal, title=title, total=total, keys=keys, console=self.console)
        callbacks: list[tune.Callback] = [journal, table, Saver(self._save_trials)]
        if self.scheduler is not None and journal.phase == "search":
            callbacks.append(SchedulerMemory(self.scheduler))
        try:
            storage = self.folder / RAY
            shipment = Shipment.of(task, self.sources)
            run_phase(
                journal.phase, shipment, config, callbacks, storage=storage, space=space, per_core=per_core
            )
        finally:
            table.close()
            journal.close()
        statuses = [entry.status for entry in journal.entries.values()]
        return len(statuses) == total and Status.INTERRUPTED not in statuses

    def _journal(self, phase: str, task: Task, scheduler: RecordedASHA | None) -> Journal:
        journal = Journal(phase=phase, resolve=task.job, began=self.began, scheduler=scheduler)
        self.journals.append(journal)
        return journal

    def _save_trials(self) -> None:
        rows: list[dict[str, Any]] = []
        for journal in self.journals:
            rows += collect.trial_rows(journal)
        write_table(self.folder, TRIALS, collect.trials_frame(rows))

    def _seeds(self, phase: str) -> tuple[int, ...]:
        return tuple(self.record.seeds[phase])
