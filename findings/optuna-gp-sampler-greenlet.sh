#!/usr/bin/env bash
# Optuna 5.0.0, greenlet 3.5.6: whether greenlet is installed decides which settings a seeded GPSampler suggests.
# Expected: an optional package that makes suggestions faster leaves them as they are; Optuna's warning without it says
# "This may lead to slower suggestions", and nothing of other ones.
# Happens: with it the searches of the acquisition function run as one batch, whose sums round otherwise than one after the other; the
# first suggestion of the model already differs in its last digits, and later ones by all of them.
# Seen: "without greenlet: ...", "with greenlet: ..." (other values), "equal: False".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
pip=("$folder/venv/bin/pip" install --quiet --disable-pip-version-check)
"${pip[@]}" optuna==5.0.0 torch==2.13.0 numpy==2.4.6 scipy==1.17.1 sqlalchemy==2.1.9
"$folder/venv/bin/pip" uninstall --quiet --yes greenlet 2>/dev/null
cat > "$folder/suggest.py" <<'PYTHON'
import math
import warnings

import optuna
import torch

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
torch.set_num_threads(1)


def objective(trial: optuna.Trial) -> float:
    rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
    depth = trial.suggest_int("depth", 1, 6)
    length = trial.suggest_int("length", 250, 4000, log=True)
    return abs(math.log10(rate / 0.01)) + abs(depth - 3) / 5 + 300 / length


study = optuna.create_study(sampler=optuna.samplers.GPSampler(seed=0, n_startup_trials=8))
study.optimize(objective, n_trials=12)
print([trial.params["rate"].hex() for trial in study.trials[8:]])
PYTHON
without=$("$folder/venv/bin/python" "$folder/suggest.py" 2>/dev/null)
again=$("$folder/venv/bin/python" "$folder/suggest.py" 2>/dev/null)
"${pip[@]}" greenlet==3.5.6
with=$("$folder/venv/bin/python" "$folder/suggest.py" 2>/dev/null)
echo "without greenlet: $without"
echo "without greenlet, run again: $again"
echo "with greenlet: $with"
[ "$without" = "$again" ] || { echo "not repeatable: nothing to see"; exit 1; }
[ "$without" != "$with" ] || { echo "equal: True"; exit 1; }
echo "equal: False"
