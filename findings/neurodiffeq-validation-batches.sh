#!/usr/bin/env bash
# neurodiffeq 0.7.0: each epoch measures the validation loss four times on the same points.
# Expected: the default of four validation batches for one training batch measures on four sets of points.
# Happens: the default validation points are equally spaced and not drawn, so that the four batches are equal.  Four of the
# five evaluations of the equation in an epoch are for one number.
# Seen: "15 evaluations in 3 epochs: 3 sets of training points, 1 of validation points, seen 12 times".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check neurodiffeq==0.7.0 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from collections import Counter
from importlib.metadata import version

import torch
from neurodiffeq import diff
from neurodiffeq.conditions import IVP
from neurodiffeq.solvers import Solver1D

print("neurodiffeq", version("neurodiffeq"))
torch.manual_seed(0)
seen = Counter()


def decay(u, t):
    seen[t.detach().numpy().tobytes()] += 1
    return [diff(u, t) + u]


solver = Solver1D(ode_system=decay, conditions=[IVP(t_0=0.0, u_0=1.0)], t_min=0.0, t_max=2.0)
solver.fit(max_epochs=3)
drawn = sum(1 for times in seen.values() if times == 1)
again = [times for times in seen.values() if times > 1]
print(
    f"{sum(seen.values())} evaluations in 3 epochs: {drawn} sets of training points, "
    f"{len(again)} of validation points, seen {sum(again)} times"
)
sys.exit(0 if drawn == 3 and again == [12] else 1)
PYTHON
