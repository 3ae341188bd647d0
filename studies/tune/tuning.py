"""Ray Tune as the engine: it finds workers, runs trials on them and brings their results.

What runs next and what is stopped is the plan's business (`studies.planning.plans`), told through Tune's own
interfaces: a searcher that gives out trials when the plan has one, a scheduler that passes reports on and
stops or holds trials, a callback that follows their ends.  A trial at a rung is held while the decision
depends on results of others: its worker is not told to go on (Tune's NOOP) until the plan has decided.
If a core would be idle meanwhile, the trial trains ahead; if it is stopped then, the iterations beyond the
rung do not count.  Once decided, it goes on as soon as a core is free, before any trial that has not begun.
If Ray lacks the private call for this, the trial is paused: it gives up its worker, and
continues from its checkpoint in another.

Nothing here outlives the process: a resumed study begins a new experiment for what the log and the
checkpoints show is left to do.
"""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune import experiment
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from studies.failures import disk_full, keep_traceback
from studies.planning.course import Course
from studies.planning.trial import Trial
from studies.records.events import Metrics
from studies.records.schema import TELEMETRY_COLUMNS
from studies.records.storage import Store
from studies.trials.trainable import POLISH, POLISH_OF, SCORE, TIME
from studies.tune.private.controller import HOLD, keep_workers, reuse_workers, train_on
from studies.tune.silence import SilenceLimit, trace_of
from studies.tune.worker_pool import WorkerPool

METRICS = "metrics"
"""Key of a report that holds `Metrics` as JSON."""
BEGUN = {TIME: 0, SCORE: None, "loss": None, "seconds": 0.0}
"""What a worker reports before it reads a trial's files: it is at work."""
_SEEN = (TIME, SCORE, "loss", "seconds", POLISH, POLISH_OF, *TELEMETRY_COLUMNS)
"""Keys of a report that the live displays show."""


class Engine:
    """What the three interfaces share: the course, the pool, and the reason if the study cannot go on."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        course: Course,
        pool: WorkerPool,
        silence: SilenceLimit | None = None,
    ) -> None:
        self.folder = folder
        self.store = store
        self.course = course
        self.pool = pool
        self.silence = silence or SilenceLimit(course, pool, None, lambda said: None)
        self.reuses_workers = True
        """Whether a worker takes further trials after its first."""
        self.full: OSError | None = None
        """The error of a full disk, if there was one."""

    @property
    def halted(self) -> bool:
        """Whether the study cannot go on."""
        return self.full is not None or self.course.cause is not None

    @property
    def free(self) -> int:
        """Cores for trials that have not begun: those idle, but for what held trials are to go on with."""
        course = self.course
        held = [name for name in self.pool.waiting if course.entry(name).running and not course.waits(name)]
        return max(0, self.pool.idle - len(held))


class PlanSearcher(Searcher):
    """Gives out the trials of a plan as they become ready."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """A trial's configuration, None while there is none to start, or the end."""
        course, pool = self._engine.course, self._engine.pool
        if course.done or self._engine.halted:
            return Searcher.FINISHED
        if pool.starting:
            return None
        trial = course.next(self._engine.free)
        return None if trial is None else self._give(trial)

    def _give(self, trial: Trial) -> dict[str, Any]:
        """Hands a trial to a worker: what that needs to know."""
        self._engine.pool.give(trial.name)
        return {
            "trial": trial.name,
            "key": trial.key,
            "changes": json.dumps(trial.changes),
            "seeds": list(trial.seeds),
            "rungs": list(trial.rungs),
            "folder": trial.folder,
            "timeout": self._engine.silence.timeout(trial),
            "schedule": [step.model_dump() for step in trial.schedule],
            "origin": trial.origin,
            "snapshots": False,
            "settings": dict(trial.changes),  # for whoever looks at Tune's own records
        }

    def set_search_properties(self, metric: str | None, mode: str | None, config: Any, **spec: Any) -> bool:
        return True

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        """Nothing: the callback tells the course."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the log has it."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the log has it."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class PlanScheduler(TrialScheduler):
    """Passes reports on to the plan, holds trials that must wait and stops those that have ended."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self._keeps_workers = False
        self._tries: dict[str, int] = {}

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        engine, name = self._engine, trial.config["trial"]
        course, pool = engine.course, engine.pool
        if METRICS in result:
            course.report(name, Metrics.model_validate_json(result[METRICS]))
        pool.hear(name, {key: result.get(key) for key in _SEEN})
        if result.get(POLISH) is not None:
            course.polishing(name, result[TIME], result[POLISH], result[POLISH_OF])
        entry = course.entry(name)
        if entry.running or (entry.measured is not None and entry.measured.final):
            if METRICS in result and not entry.trained and course.waits(name):
                pool.hold(name, trial)
                return str(self.NOOP if HOLD.usable else self.PAUSE)
            return str(self.CONTINUE)
        return str(self.STOP)

    def _news(self, name: str, result: dict[str, Any]) -> Metrics | None:
        """What a report measured that the log does not have; to be asked before the report is passed on."""
        entry = self._engine.course.entry(name)
        if METRICS not in result or not entry.running:
            return None
        metrics = Metrics.model_validate_json(result[METRICS])
        return None if metrics.iterations in entry.reports else metrics

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        """Lets held trials go on, or ends them, once the plan knows; trains ahead with what would idle.

        Tune starts trials that have not begun by itself, in their order: only a paused one has to be named.
        """
        if self._engine.halted:
            tune_controller.request_stop_experiment()
            return None
        self._engine.silence.tend()
        self._let_hanging_fail(tune_controller)
        reuse_workers(tune_controller, self._engine.reuses_workers and not self._engine.pool.moving)
        paused = self._settle_held(tune_controller)
        if HOLD.usable:
            self._train_ahead(tune_controller)
        return paused

    def _settle_held(self, tune_controller: Any) -> Any:
        """Ends held trials that the plan has stopped.  Lets those go on that it has decided to continue, as
        cores are free.

        The first paused one to go on, where Ray has no private call to hold a trial; else None.
        """
        course, pool = self._engine.course, self._engine.pool
        for name, trial in pool.waiting.items():
            if not HOLD.usable and trial.status != experiment.Trial.PAUSED:
                continue  # it is about to be paused
            running = course.entry(name).running
            if running and (course.waits(name) or not pool.idle):
                continue
            pool.release(name)
            if not running:
                tune_controller.stop_trial(trial)
            elif HOLD.usable:
                train_on(tune_controller, trial)
            else:
                return trial
        return None

    def _train_ahead(self, tune_controller: Any) -> None:
        """Lets held trials train beyond their rungs, undecided, where a core would have nothing to do."""
        pool = self._engine.pool
        for name, trial in pool.waiting.items():
            if pool.idle > 0 and not self._engine.course.startable(pool.idle):
                pool.release(name)
                train_on(tune_controller, trial)

    def _let_hanging_fail(self, tune_controller: Any) -> None:
        """Takes retries from trials whose worker hangs and is about to be ended; else gives them back."""
        silence = self._engine.silence
        if not self._tries and not any(map(silence.hangs, self._engine.pool.silences())):
            return
        for trial in tune_controller.get_trials():
            hangs = silence.hangs(trial.config["trial"])
            if hangs and trial.max_failures:
                self._tries[trial.trial_id], trial.max_failures = trial.max_failures, 0
            elif not hangs and trial.trial_id in self._tries:
                trial.max_failures = self._tries.pop(trial.trial_id)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        self._engine.pool.release(trial.config["trial"])

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        if not self._keeps_workers:
            keep_workers(tune_controller, trial)
            self._keeps_workers = True

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None: ...

    def on_trial_remove(self, tune_controller: Any, trial: Any) -> None: ...

    def debug_string(self) -> str:
        return "in the order of the study's plan"

    def __getstate__(self) -> dict[str, Any]:
        return {}


class PlanCallback(tune.Callback):
    """Tells the course about failures, and the pool about workers that are free again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._engine.pool.take(trial.config["trial"])

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        _, line = _said(trial)
        self._engine.pool.restart(trial.config["trial"])
        self._engine.course.retry(trial.config["trial"], line)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        name = trial.config["trial"]
        hung = self._engine.silence.hangs(name)
        self._engine.pool.take(name)
        text, line = _said(trial)
        if hung:
            line = f"no progress for {trial.config['timeout']:.3g} s"
            trace = trace_of(self._engine.store, trial.config["folder"])
            text = trace.read_text() if trace.is_file() else text
        if disk_full(text):
            # Nothing is wrong with the trial: it continues when there is room.
            self._engine.full = OSError(errno.ENOSPC, line)
            return
        kept = keep_traceback(self._engine.folder, trial.config["folder"], text)
        self._engine.course.fail(name, line, kept)

    def __getstate__(self) -> dict[str, Any]:
        return {}


def _said(trial: Any) -> tuple[str, str]:
    """The traceback of a trial that failed, and the exception's own line in it."""
    path = trial.error_file
    text = Path(path).read_text() if path is not None and Path(path).exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return text, lines[-1] if lines else "the trial failed and left no message"
