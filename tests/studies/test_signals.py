"""A process that is asked to end at an awkward moment ends in order, and says how to go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from dgm_cli.solve import _with_progress
from dgm_core import Setup, load_problem
from studies.catalog import load_study
from studies.errors import InterruptedStudyError
from studies.records import read_study
from studies.records.events import Began, Event, Left
from studies.records.log import Log
from studies.records.overview import overview, runs
from studies.records.schema import SOLUTIONS
from studies.running.options import Options
from studies.running.runner import run_study
from studies.running.solve import Solved, solve_setup
from studies.signals import asked, handlers_kept, terminable

STRIKES = """
import os, runpy, signal, sys
from importlib.abc import MetaPathFinder

number, module, *sys.argv[1:] = sys.argv[1:]

class Striking(MetaPathFinder):
    '''Sends this process a signal in the midst of the import of a module.'''

    def find_spec(self, name, path, target=None):
        global module
        if name == module:
            module = None
            os.kill(os.getpid(), int(number))
        return None

sys.meta_path.insert(0, Striking())
runpy.run_module("dgm_cli.main", run_name="__main__", alter_sys=True)
"""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def struck(module: str, number: int, *line: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", STRIKES, str(int(number)), module, *map(str, line)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("number", SIGNALS)
def test_before_anything_is_imported_a_signal_is_one_line(number: int) -> None:
    done = struck("typer", number, "solve", "heat")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "dgm: interrupted.\n")


@pytest.mark.parametrize("number", SIGNALS[:2])
def test_while_a_command_imports_a_signal_leaves_nothing(number: int, tmp_path: Path) -> None:
    done = struck("torch", number, "solve", "heat", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (130, "dgm: interrupted.\n")
    assert not (tmp_path / "out").exists()


def test_a_signal_in_an_import_while_the_report_is_drawn_says_that_the_training_is_finished(
    tmp_path: Path,
) -> None:
    short = ("--iterations", "20", "--replicates", "2", "--out", tmp_path, "--name", "one")
    done = struck("matplotlib.style", signal.SIGTERM, "solve", "heat", *short)
    run = tmp_path / "solve-heat" / "one"
    told = f"dgm: interrupted; the training is finished; make its report with: dgm report {run}"
    assert (done.returncode, done.stderr.splitlines()[-1]) == (130, told), done.stderr
    assert "Traceback" not in done.stderr
    assert read_study(run).state == "finished"
    again = subprocess.run([sys.executable, "-m", "dgm_cli.main", "report", run], capture_output=True)
    assert again.returncode == 0
    assert (run / "report.html").is_file()


def test_who_asks_as_the_last_iteration_is_trained_does_not_wait_for_figures(tmp_path: Path) -> None:
    def train(**watched: object) -> Solved:
        with suppress(KeyboardInterrupt):  # as Tune does, whose last trial has ended meanwhile
            signal.raise_signal(signal.SIGTERM)
        return Solved(tmp_path, {"status": "completed"})

    said = f"interrupted; the training is finished; make its report with: dgm report {tmp_path}"
    with pytest.raises(InterruptedStudyError, match=said), terminable():
        _with_progress(Setup.named(load_problem("heat")), train)


def script(body: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    head = "import os, signal, sys, threading, time\nfrom studies.signals import *\n"
    command = [sys.executable, "-c", head + body]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


LOST = """
class Struck:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)

try:
    with terminable(), going_on(lambda: "go on with: dgm resume RUN"):
        struck = Struck()
        del struck
        time.sleep(10)
except Exception as error:
    print(error)
"""


def test_an_interrupt_that_python_forgets_in_a_hook_comes_again() -> None:
    done = script(LOST)
    assert (done.stdout, done.stderr) == ("interrupted; go on with: dgm resume RUN\n", "")


TWICE = """
import studies.signals
studies.signals._SAME_SECONDS = 0.05
close = lambda: print("closed", flush=True)
with terminable(command=True), going_on(lambda: "go on with: dgm resume RUN"), closing(close):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)
    except KeyboardInterrupt:
        os.kill(os.getpid(), signal.SIGTERM)  # at once: the same request
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)
"""


def test_a_second_request_ends_a_command_that_takes_long_to_end_in_order() -> None:
    done = script(TWICE)
    assert (done.returncode, done.stdout) == (130, "closed\n")
    assert done.stderr == "dgm: interrupted; go on with: dgm resume RUN\n"


OVER = """
with terminable(command=True):
    pass
os.kill(os.getpid(), signal.SIGINT)
print("ended")
"""


def test_a_command_that_is_over_is_not_interrupted_while_python_ends() -> None:
    done = script(OVER)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")


IGNORED = """
signal.signal(signal.SIGHUP, signal.SIG_IGN)
with terminable():
    os.kill(os.getpid(), signal.SIGHUP)
    print("went on")
"""


def test_what_is_ignored_stays_so_as_under_nohup() -> None:
    assert script(IGNORED).stdout == "went on\n"


def test_nor_while_the_interpreter_takes_itself_apart() -> None:
    """Python has given its handlers back by then."""
    struck = "import atexit\natexit.register(lambda: os.kill(os.getpid(), signal.SIGTERM))\n"
    dies = (
        "class Dies:\n    def __del__(self, kill=os.kill, me=os.getpid()):\n        kill(me, 15)\n\n"
        "sys.dies = Dies()\n"
    )
    done = script(f"{struck}{dies}with terminable(command=True):\n    pass\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


TUNE = """
from ray import tune
from ray.tune import Callback
from studies.signals import asked, check_asked, handlers_kept
from studies.tune.session import ray_session

class Strikes(Callback):
    def on_experiment_end(self, trials, **info):
        os.kill(os.getpid(), NUMBER)  # Tune's loop is over: it reads no event any more

config = tune.RunConfig(storage_path=os.getcwd(), verbose=0, callbacks=[Strikes()])
with terminable(), ray_session(cores=1):
    with handlers_kept():
        tune.Tuner(lambda config: {"a": 1}, run_config=config).fit()
    print(asked())
    try:
        check_asked()
    except KeyboardInterrupt:
        print("heard", signal.getsignal(signal.SIGINT).__name__)
"""


@pytest.mark.ray
@pytest.mark.parametrize("number", SIGNALS[:2])
def test_a_signal_after_tune_s_last_trial_is_heard(number: int, tmp_path: Path) -> None:
    done = script(TUNE.replace("NUMBER", str(int(number))), tmp_path)
    assert done.stdout.splitlines()[-2:] == ["True", "heard _hear"], done.stderr


@pytest.mark.parametrize("strikes", [True, False])
def test_an_event_that_nobody_reads_is_a_request_all_the_same(strikes: bool) -> None:
    """Tune's handler of Ctrl-C, as it stands: it notes the request, and puts back what it found."""
    found = signal.getsignal(signal.SIGINT)
    with terminable():
        heard = signal.getsignal(signal.SIGINT)
        with handlers_kept():
            before = signal.getsignal(signal.SIGINT)
            signal.signal(signal.SIGINT, lambda *_: signal.signal(signal.SIGINT, before))
            if strikes:
                signal.raise_signal(signal.SIGINT)
        assert asked() == strikes
        assert signal.getsignal(signal.SIGINT) is heard
    assert signal.getsignal(signal.SIGINT) is found


def test_before_and_after_tune_takes_ctrl_c_it_interrupts_as_ever() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with terminable(), pytest.raises(KeyboardInterrupt), handlers_kept():
            signal.raise_signal(number)
    with terminable(), handlers_kept():
        pass
    assert not asked()


@pytest.fixture
def struck_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[type], None]:
    """Sends this process SIGTERM as soon as an event of a kind is in the log, but not yet acted on."""

    def at(kind: type) -> None:
        append = Log.append

        def struck_append(self: Log, events: Iterable[Event]) -> list[Event]:
            stamped = append(self, events)
            if any(isinstance(event, kind) for event in stamped):
                os.kill(os.getpid(), signal.SIGTERM)
            return stamped

        monkeypatch.setattr(Log, "append", struck_append)

    return at


def test_a_study_that_is_asked_to_end_as_it_begins_has_not_been_killed(
    struck_at: Callable[[type], None], tmp_path: Path
) -> None:
    struck_at(Began)
    run = run_study(load_study("heat-batch-size"), Options(out=tmp_path, run="run", cores=1))
    assert overview(run).state == "interrupted"


@pytest.mark.parametrize(("kind", "state"), [(Began, "interrupted"), (Left, "finished")])
def test_nor_has_a_solve_as_it_begins_or_has_just_ended(
    kind: type, state: str, struck_at: Callable[[type], None], tmp_path: Path
) -> None:
    struck_at(kind)
    setup = Setup.named(load_problem("heat")).changed({"iterations": 2, "depth": 1, "width": 4})
    with pytest.raises(InterruptedStudyError, match="dgm resume"):
        solve_setup(setup, replicates=1, out=tmp_path, run="run")
    (run,) = runs(tmp_path)
    assert overview(run).state == state
    assert (state == "finished") == (run / SOLUTIONS).is_file()
