"""What goes wrong in a trial: retried, then failed with its cause, and the study goes on or says why not."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

import pandas as pd
import pytest

from dgm_cli.app import main
from dgm_core import extensions
from studies.errors import StudyError
from studies.records import FAILURES
from studies.records.events import Retried, Silent
from studies.records.log import read_log
from studies.running.holding import holding
from studies.tune import launch

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("own_files", "undrawn")]

FRAGILE = '''
"""A network that raises at some widths."""

from dgm_core.networks.mlp import MLP


class Fragile(MLP):
    def __init__(self, inputs, outputs, config, make):
        super().__init__(inputs, outputs, config, make)
        self.width = config.width

    def forward(self, x):
        if self.width > 4:
            raise ValueError(f"width {self.width} is too much")
        return super().forward(x)
'''

HANGS = '''
"""A network that hangs at some widths, in the midst of its training."""

import threading

from dgm_core.networks.mlp import MLP


class Hangs(MLP):
    def __init__(self, inputs, outputs, config, make):
        super().__init__(inputs, outputs, config, make)
        self.width = config.width

    def forward(self, x):
        if self.width > 4:
            threading.Event().wait()
        return super().forward(x)
'''

STUDIES = """
from dgm_core import Setup, load_problem
from studies import Ablation

BASE = Setup.named(load_problem("heat")).changed(
    {"network": "fragile", "width": 4, "batch_size": 4, "iterations": 40}
)
SOME = Ablation(
    name="some-fail", base=BASE, arms={"4": {}, "5": {"width": 5}}, baseline="4", replicates=2
)
HUNG = Ablation(
    name="some-hang",
    base=BASE.changed({"network": "hangs"}),
    arms={"5": {"width": 5}, "4": {}},
    baseline="4",
    replicates=2,
)
ALL = Ablation(
    name="all-fail",
    base=BASE.changed({"width": 9}),
    arms={str(size): {"batch_size": size} for size in (1, 2, 3, 4, 5, 6)},
    baseline="4",
    replicates=2,
)
"""


def dgm(line: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["dgm", *line.split()])
    with pytest.raises(SystemExit) as ending:
        main()
    return int(ending.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # A path that a URI or a shell would misread.
    own = tmp_path / "what? a #1 'path' für"
    own.mkdir()
    monkeypatch.chdir(own)
    (own / "fragile.py").write_text(FRAGILE)
    (own / "hangs.py").write_text(HANGS)
    (own / "failing.py").write_text(STUDIES)
    return own


def test_a_trial_that_raises_fails_with_its_traceback_and_the_others_go_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        dgm(
            "run some-fail --with fragile.py --with hangs.py --with failing.py --name a --cores 1",
            monkeypatch,
        )
        == 1
    )
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, (
        "Tune's own would make nothing of it"
    )
    said = capsys.readouterr().err
    assert "Failed: 5: ValueError: width 5 is too much" in said
    run = folder / "results/some-fail/a"
    trials = pd.read_parquet(run / "trials.parquet").drop_duplicates("trial").set_index("trial")
    assert trials["status"].to_dict() == {"4": "completed", "5": "failed"}
    assert trials.loc["5", "error"] == "ValueError: width 5 is too much"
    (traceback,) = (run / "failures").iterdir()
    assert "fragile.py" in traceback.read_text()
    assert dgm("status results/some-fail/a", monkeypatch) == 0
    assert "1 completed, 1 failed" in capsys.readouterr().out


def test_a_trial_that_hangs_is_said_to_and_fails_with_where_it_hung_and_the_others_go_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DGM_KERNELS", "off")  # a compiler on a busy machine takes as long as what hangs
    line = "run some-hang --with fragile.py --with hangs.py --with failing.py --name a --cores 1"
    assert dgm(f"{line} --trial-timeout 10", monkeypatch) == 1
    said = capsys.readouterr().err
    assert re.search(r"5 has said nothing for [\d.]+ s; after 10 s it is ended", said)
    assert "Failed: 5: no progress for 10 s" in said
    run = folder / "results/some-hang/a"
    trials = pd.read_parquet(run / "trials.parquet").drop_duplicates("trial").set_index("trial")
    assert trials["status"].to_dict() == {"4": "completed", "5": "failed"}
    assert not [event for event in read_log(run) if isinstance(event, Retried)], "it would only hang again"
    assert next(event.trial for event in read_log(run) if isinstance(event, Silent)) == "5"
    (traceback,) = (run / "failures").iterdir()
    assert "hangs.py" in traceback.read_text()


def test_a_study_whose_trials_all_fail_alike_stops_after_a_few_with_the_one_cause(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launch, "_MAX_FAILURES", 0)  # each time in a new worker
    assert (
        dgm(
            "run all-fail --with fragile.py --with hangs.py --with failing.py --name a --cores 1", monkeypatch
        )
        == 1
    )
    said = capsys.readouterr().err
    assert "All trials fail with the same error: ValueError: width 9 is too much" in said
    trials = pd.read_parquet(folder / "results/all-fail/a/trials.parquet")
    assert trials["trial"].nunique() < 6


def test_what_a_user_s_code_raises_outside_of_a_trial_is_a_sentence_and_resumable(tmp_path: Path) -> None:
    (tmp_path / "moody.py").write_text("def answer():\n    return 1 / 0\n")
    moody = extensions.load(tmp_path / "moody.py")
    run = tmp_path / "run"
    run.mkdir()
    said = r"moody.py, line 2: ZeroDivisionError.*dgm resume"
    with pytest.raises(StudyError, match=said) as told, holding(run, "dgm run"):
        moody.answer()
    kept = run / FAILURES / "study.txt"
    assert str(kept) in str(told.value)
    assert "return 1 / 0" in kept.read_text()
    with pytest.raises(ZeroDivisionError), holding(run, "dgm run"):
        raise ZeroDivisionError  # ours: a traceback is wanted
