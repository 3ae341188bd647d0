#!/usr/bin/env bash
# Optuna 5.0.0: a tuple among categorical choices comes back from a database as a list, and ends the study.
#
# Expected: a stored study goes on after loading as it would in memory; Optuna only warns about the tuple.
# Happens:  the loaded study compares (50,) with the stored [50] and raises.
# Seen:     optuna 5.0.0: in memory 2 trials; loaded: ValueError: CategoricalDistribution does not support
#           dynamic value space.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet optuna==5.0.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import optuna

optuna.logging.set_verbosity(optuna.logging.CRITICAL)


def objective(trial):
    return len(trial.suggest_categorical("milestones", [(50,), (50, 100)]))


memory = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
memory.optimize(objective, n_trials=2)
first = optuna.create_study(storage="sqlite:///a.db", study_name="a")
first.optimize(objective, n_trials=1)
stored = optuna.load_study(storage="sqlite:///a.db", study_name="a", sampler=optuna.samplers.TPESampler(seed=0))
try:
    stored.optimize(objective, n_trials=1)
    seen = f"{len(stored.trials)} trials"
except ValueError as error:
    seen = f"ValueError: {error}"
print(f"optuna {optuna.__version__}: in memory {len(memory.trials)} trials; loaded: {seen}")
sys.exit("dynamic value space" not in seen)
PYTHON
