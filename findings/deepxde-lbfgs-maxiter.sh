#!/usr/bin/env bash
# DeepXDE 1.15.0 with PyTorch 2.13.0: an L-BFGS limit below 1000 iterations has no effect.
# Expected: after set_LBFGS_options(maxiter=20) a training ends after at most 20 iterations.
# Happens: the number of iterations per call of torch's optimizer, 1000, is computed when DeepXDE is imported, and the
# limit is only looked at between calls.  A search over `maxiter` below 1000 compares equal trainings.
# Seen: "limit 20: 82 iterations, limit 15000: 82 iterations".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check deepxde==1.15.0 torch==2.13.0
DDE_BACKEND=pytorch "$folder/venv/bin/python" - <<'PYTHON'
import sys

import deepxde as dde
import torch

print("DeepXDE", dde.__version__, "PyTorch", torch.__version__)


def iterations(limit):
    dde.config.set_random_seed(1)
    dde.optimizers.set_LBFGS_options(maxiter=limit)
    line = dde.geometry.Interval(0, 1)
    start = dde.icbc.DirichletBC(line, lambda x: 1, lambda x, on_boundary: on_boundary and x[0] < 0.5)
    decay = dde.data.PDE(line, lambda x, y: dde.grad.jacobian(y, x) + y, start, 16, 2)
    model = dde.Model(decay, dde.nn.FNN([1, 8, 8, 1], "tanh", "Glorot normal"))
    model.compile("L-BFGS")
    model.train(verbose=0)
    return model.train_state.iteration


few, many = iterations(20), iterations(15_000)
print(f"limit 20: {few} iterations, limit 15000: {many} iterations")
sys.exit(0 if few == many and few > 20 else 1)
PYTHON
