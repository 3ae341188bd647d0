#!/usr/bin/env bash
# PyTorch 2.13.0, NumPy 2.4.6: `torch.set_flush_denormal(True)` changes NumPy's and SciPy's answers too.
# Expected: a switch of torch's governs torch's own kernels.
# Happens: it sets the processor's mode for the whole thread.  From then on `numpy.nextafter(0.0, 1.0) > 0.0` is False, and code
# that steps to the number next to zero no longer gets past it: a SciPy k-d tree on ordinary points was seen to end the process
# by a signal, in a program that had trained something first.  There is no function that tells whether the mode is on.
# Seen: "before: True", "after: False", "switched off again: True".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import torch

print("torch", torch.__version__, "numpy", np.__version__)


def above_zero() -> bool:
    return bool(np.nextafter(0.0, 1.0) > 0.0)


before = above_zero()
print("before:", before)
if not torch.set_flush_denormal(True):
    sys.exit("this processor has no such mode: nothing to see")
after = above_zero()
print("after:", after)
torch.set_flush_denormal(False)
again = above_zero()
print("switched off again:", again)
sys.exit(0 if (before, after, again) == (True, False, True) else 1)
PYTHON
