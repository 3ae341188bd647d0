#!/usr/bin/env bash
# Optuna 5.0.0: integers on a logarithmic scale are rounded from [low - 0.5, high + 0.5].
#
# Expected: IntDistribution(1, 512, log=True) gives each octave (1, 2-3, 4-7, ...) the same share, 11 %,
#           as a floored log-uniform would: 1 in ln 2 / ln 513 = 11.1 % of draws.
# Happens:  1 is drawn in ln 3 / ln 1025 = 15.8 % of draws, and 2 or 3 in ln(7/3) / ln 1025 = 12.2 %.
# Seen:     optuna 5.0.0: 1 in 0.165 of 20000 draws, 2-3 in 0.121
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet optuna==5.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import math
import sys

import optuna
from optuna.distributions import IntDistribution

optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
draw = study.sampler.sample_independent
space = IntDistribution(1, 512, log=True)
frozen = optuna.trial.create_trial(value=0.0)
drawn = [draw(study, frozen, "n", space) for _ in range(20_000)]
ones = drawn.count(1) / len(drawn)
octave = sum(value in (2, 3) for value in drawn) / len(drawn)
print(f"optuna {optuna.__version__}: 1 in {ones:.3f} of {len(drawn)} draws, 2-3 in {octave:.3f}")
sys.exit(not (abs(ones - math.log(3) / math.log(1025)) < 0.01))
PYTHON
