#!/usr/bin/env bash
# SciPy 1.17.1: `PPoly.from_spline` does not take every BSpline.
# Expected: a BSpline with vector values, which `make_interp_spline` makes and which evaluates correctly, becomes
# a PPoly with vector values: both classes document coefficients with trailing dimensions.
# Happens: it raises `_dfitpack.error`, "(len(c)>=n-k-1) failed for 2nd argument c", which does not mention the
# shape.  With one component it works.
# Seen: "one component: (4, 9)" then "two components: error: (len(c)>=n-k-1) failed for 2nd argument c".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scipy==1.17.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import scipy
from scipy.interpolate import PPoly, make_interp_spline

print("scipy", scipy.__version__)
x = np.linspace(0.0, 1.0, 6)
one, two = make_interp_spline(x, np.sin(x)), make_interp_spline(x, np.stack([np.sin(x), np.cos(x)], axis=1))
print("the spline of two components at 0.5:", two(0.5))
shape = PPoly.from_spline(one).c.shape
print("one component:", shape)
try:
    print("two components:", PPoly.from_spline(two).c.shape)
except Exception as error:
    print(f"two components: {type(error).__name__}: {error}")
    sys.exit(0 if len(shape) == 2 else 1)
sys.exit(1)
PYTHON
