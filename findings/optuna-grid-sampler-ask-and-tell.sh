#!/usr/bin/env bash
# Optuna 5.0.0: ask and tell cannot search a grid to its end.
# Expected: `study.ask` and `study.tell` over a grid of two settings work twice, as with any sampler.
# Happens: the second `tell`, or the one that exhausts the grid, raises RuntimeError, since GridSampler calls
# `Study.stop`, which is allowed inside `Study.optimize` only.  The result is stored before it raises.
# Seen: "tell 0: stored" then "tell 1: RuntimeError ... `Study.stop` is supposed to be invoked inside ..." and
# "2 trials are complete".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check optuna==5.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)
print("optuna", optuna.__version__)
study = optuna.create_study(sampler=optuna.samplers.GridSampler({"x": [0.0, 1.0]}, seed=0))
raised = []
for number in range(2):
    trial = study.ask()
    x = trial.suggest_float("x", 0.0, 1.0)
    try:
        study.tell(trial, x)
        print(f"tell {number}: stored")
    except RuntimeError as error:
        raised.append(number)
        print(f"tell {number}: RuntimeError: {error}")
complete = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.COMPLETE]
print(len(complete), "trials are complete")
sys.exit(0 if raised == [1] and len(complete) == 2 else 1)
PYTHON
