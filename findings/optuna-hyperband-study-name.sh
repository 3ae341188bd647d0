#!/usr/bin/env bash
# Optuna 5.0.0: with HyperbandPruner the name of a study decides which trials are pruned.
# Expected: the same seeded sampler, pruner and objective prune the same trials, whatever the study is called.
# Happens: a trial's bracket is a checksum of the study's name and the trial's number.  Studies of other names prune
# other trials, and two studies without a name do too, since each of them is given a random one.
# Seen: "a" pruned [6, 7, 8, 10, ...] twice, "b" pruned [5, 7, 8, 11, ...], and the nameless ones differed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check optuna==5.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
print("optuna", optuna.__version__)


def objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", 0.0, 1.0)
    for step in range(1, 28):
        trial.report(x + 1.0 / step, step)
        if trial.should_prune():
            raise optuna.TrialPruned
    return x


def pruned(name: str | None) -> list[int]:
    study = optuna.create_study(
        study_name=name,
        sampler=optuna.samplers.RandomSampler(seed=0),
        pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=27, reduction_factor=3),
    )
    study.optimize(objective, n_trials=30)
    numbers = [trial.number for trial in study.trials if trial.state == optuna.trial.TrialState.PRUNED]
    print(f"study {name!r}: pruned {numbers}")
    return numbers


same = pruned("a") == pruned("a")
other = pruned("a") != pruned("b")
nameless = [pruned(None) for _ in range(4)]
differ = any(numbers != nameless[0] for numbers in nameless[1:])
sys.exit(0 if same and other and differ else 1)
PYTHON
