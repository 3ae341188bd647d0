#!/usr/bin/env bash
# optuna 5.0.0: the median pruner stops nothing once two of five earlier trials have reported infinity.
# Expected: the median of 1, 2, 3, inf and inf is 3, so that a trial that reports 50 is pruned, as it is after 1, 2, 3, 4
# and 5; a diverged training that reports infinity only counts as a bad one.
# Happens: the percentile is interpolated between its neighbours, and infinity minus a number times zero is NaN.  No
# comparison with NaN holds: the trial goes on.  The percentile pruner, of which the median is one, does the same.
# Seen: "MedianPruner after 1, 2, 3, 4, 5: pruned" and "MedianPruner after 1, 2, 3, inf, inf: not pruned".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "optuna==5.0.0"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import math
import sys

import optuna
from optuna.pruners import MedianPruner, PercentilePruner

optuna.logging.set_verbosity(optuna.logging.WARNING)
print("optuna", optuna.__version__)
PRUNERS = (MedianPruner(n_startup_trials=1), PercentilePruner(50.0, n_startup_trials=1))


def pruned(pruner, reported):
    """Whether a trial that reports 50 is pruned, after others that reported these values at the same step."""
    study = optuna.create_study(pruner=pruner)
    for value in reported:
        trial = study.ask()
        trial.report(value, step=1)
        study.tell(trial, 1.0)
    trial = study.ask()
    trial.report(50.0, step=1)
    return trial.should_prune()


seen = []
for pruner in PRUNERS:
    for reported in ((1, 2, 3, 4, 5), (1, 2, 3, math.inf, math.inf)):
        seen.append(pruned(pruner, reported))
        values = ", ".join(map(str, reported))
        print(f"{type(pruner).__name__} after {values}: {'' if seen[-1] else 'not '}pruned")
sys.exit(seen != [True, False] * len(PRUNERS))
PYTHON
