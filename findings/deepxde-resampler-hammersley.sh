#!/usr/bin/env bash
# DeepXDE 1.15.0: PDEPointResampler leaves the training points as they are, unless they are drawn by "pseudo".
# Expected: with PDEPointResampler(period=10) a training of 30 iterations sees three more sets of points, whatever
# train_distribution says.
# Happens: the default distribution, Hammersley, is a fixed sequence.  Drawing it again gives the same points, without a
# word, so a study of "resampled against fixed points" with the defaults compares a training with itself.
# Seen: "Hammersley: 1 set of points, pseudo: 4".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check deepxde==1.15.0 torch==2.13.0
DDE_BACKEND=pytorch "$folder/venv/bin/python" - <<'PYTHON'
import sys

import deepxde as dde

print("DeepXDE", dde.__version__)


class Seen(dde.callbacks.Callback):
    """Keeps the training points of each iteration."""

    def on_train_begin(self):
        self.points = {self.model.data.train_x_all.tobytes()}

    def on_epoch_end(self):
        self.points.add(self.model.data.train_x_all.tobytes())


def sets(**distribution):
    dde.config.set_random_seed(1)
    line = dde.geometry.Interval(0, 1)
    start = dde.icbc.DirichletBC(line, lambda x: 1, lambda x, on_boundary: on_boundary and x[0] < 0.5)
    decay = dde.data.PDE(line, lambda x, y: dde.grad.jacobian(y, x) + y, start, 16, 2, **distribution)
    model = dde.Model(decay, dde.nn.FNN([1, 8, 1], "tanh", "Glorot normal"))
    model.compile("adam", lr=1e-3)
    seen = Seen()
    model.train(iterations=30, callbacks=[dde.callbacks.PDEPointResampler(period=10), seen], verbose=0)
    return len(seen.points)


default, pseudo = sets(), sets(train_distribution="pseudo")
print(f"Hammersley: {default} set of points, pseudo: {pseudo}")
sys.exit(0 if default == 1 and pseudo == 4 else 1)
PYTHON
