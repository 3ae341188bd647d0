"""A population under a real Ray: killed, resumed, trained again to the same bits, and described."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis.doubts import warnings
from analysis.settings import differences, sampled
from dgm_core import ConfigurationError
from studies.public import Result
from studies.records import read_study
from studies.records.events import Exploited
from studies.records.settings_text import settings_text
from studies.running.extend import extend
from studies.running.rerun import rerun
from tests.studies.running.killing import killed_and_resumed

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("own_files", "undrawn")]

STUDY = """
from optuna.distributions import FloatDistribution
from ray import tune
from ray.tune.schedulers import PopulationBasedTraining

from dgm_core import Setup, load_problem
from studies import PowersOfTwo, Search

def population():
    return PopulationBasedTraining(
        time_attr="iterations", perturbation_interval=100, quantile_fraction=0.5,
        hyperparam_mutations={"learning_rate": tune.loguniform(1e-3, 1e-1), "batch_size": [4, 8, 16]},
    )

STUDY = Search(
    name="evolving",
    base=Setup.named(load_problem("heat")).changed({"width": 8, "batch_size": 8, "iterations": 500}),
    space={
        "learning_rate": FloatDistribution(1e-3, 1e-1, log=True),
        "batch_size": PowersOfTwo(4, 16),
        "depth": CHOICE,
    },
    trials=3, replicates=1, confirmations=2, grace_period=100,
    order="arrival", scheduler=population,
)
""".replace("CHOICE", "PowersOfTwo(1, 2)")


def test_a_population_is_killed_and_resumed(tmp_path: Path) -> None:
    run, _, events = killed_and_resumed(STUDY, tmp_path, at="exploited")
    exploits = [event for event in events if isinstance(event, Exploited)]
    assert exploits
    record = read_study(run)
    assert record.state == "finished"
    assert record.winner is not None

    verdicts, _ = rerun(run)  # each schedule from its beginning
    assert [(verdict.trial, verdict.words) for verdict in verdicts if not verdict.equal] == []
    assert record.schedules, "no settings were changed"
    scheduled = set(record.schedules)
    assert ("confirm-winner" in scheduled) == (record.winner.trial in scheduled)

    trials = pd.read_parquet(run / "trials.parquet")
    taken = trials[trials["exploits"].notna()]
    told = {row.trial: json.loads(row.exploits) for row in taken.itertuples()}
    assert {trial: [each["source"] for each in of] for trial, of in told.items()} == {
        trial: [event.source for event in exploits if event.trial == trial] for trial in told
    }
    changed = trials[trials["schedule"].notna()].iloc[0]
    steps = json.loads(changed["schedule"])
    sizes = [step["settings"]["batch_size"] for step in steps]
    ends = [*(step["iteration"] for step in steps[1:]), 500]
    starts = [step["iteration"] for step in steps]
    counted = zip(sizes, starts, ends, strict=True)
    assert changed["points"] == sum(size * (end - start) for size, start, end in counted)

    result = Result(run)
    assert result.tables["counts"]["iterations_run"][0] == record.iterations_run
    assert "scheduler population trained a population of 3 trials" in sampled(result.run)
    wary = warnings(result.run, result.tables)
    assert any("cannot be repeated" in each for each in wary)
    assert not any("stopped no trial" in each for each in wary)
    assert any("are a schedule" in each for each in wary) == (record.winner.trial in scheduled)
    winner = dict(zip(differences(result.run)["setting"], differences(result.run)["winner"], strict=True))
    if record.winner.trial in scheduled:
        assert "from iteration" in winner["learning rate"]
    name = next(iter(scheduled))
    text = settings_text(record.setups[name], record.schedules[name])
    assert text.startswith("# These settings changed during the training; below are the last.\n")
    with pytest.raises(ConfigurationError, match="are a population, which trained together"):
        extend(run, record, 6)
