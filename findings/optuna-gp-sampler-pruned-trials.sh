#!/usr/bin/env bash
# optuna 5.0.0: the Gaussian-process sampler learns nothing from pruned trials.
# Expected: as with the TPE sampler, a trial that a pruner stopped tells the sampler, by the values that it reported, that
# its settings are bad or good.
# Happens: pruned trials are left out.  A study in which a pruner stops most trials draws at random for as long as fewer
# than `n_startup_trials` have completed, however many trials there are.
# Seen: after 30 trials near and far from the best setting of one parameter in 0..1, the next 12 suggestions are at a
# median distance of 0.000 from it where the 30 completed, and 0.136 where they were pruned with the same values; those of
# TPE at 0.032 in both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "optuna==5.0.0" "scipy==1.17.1" "torch==2.13.0" "greenlet==3.5.6"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import optuna
from optuna.samplers import GPSampler, TPESampler
from optuna.trial import TrialState

optuna.logging.set_verbosity(optuna.logging.WARNING)
print("optuna", optuna.__version__)
BEST = 0.3
SPACE = {"x": optuna.distributions.FloatDistribution(0.0, 1.0)}


def distance(sampler, state):
    """Median distance from the best setting of 12 suggestions after 30 trials, all of that state."""
    study = optuna.create_study(sampler=sampler)
    for x in np.random.default_rng(0).uniform(size=30):
        value = float((x - BEST) ** 2)
        study.add_trial(
            optuna.trial.create_trial(
                params={"x": x}, distributions=SPACE, intermediate_values={1: value}, value=value, state=state
            )
        )
    suggested = []
    for _ in range(12):
        trial = study.ask(SPACE)
        suggested.append(trial.params["x"])
        value = (suggested[-1] - BEST) ** 2
        trial.report(value, step=1)
        if state == TrialState.PRUNED:
            study.tell(trial, state=state)
        else:
            study.tell(trial, value)
    return float(np.median(np.abs(np.array(suggested) - BEST)))


seen = {}
for make in (GPSampler, TPESampler):
    for state in (TrialState.COMPLETE, TrialState.PRUNED):
        seen[make, state] = distance(make(seed=1, n_startup_trials=5), state)
        print(f"{make.__name__} after 30 trials that are {state.name}: {seen[make, state]:.3f} from the best")
learns = seen[GPSampler, TrialState.COMPLETE] < 0.02 and seen[TPESampler, TrialState.PRUNED] < 0.06
sys.exit(not (learns and seen[GPSampler, TrialState.PRUNED] > 0.08))
PYTHON
