#!/usr/bin/env bash
# pina-mathlab 0.3.2.post2610: a union of domains gives each part the same number of points, whatever its size.
# Expected: random points of a union are spread evenly over it, so that a part with 1 % of the area has 1 % of them.
# Happens: the number is divided by the number of parts.  A unit square with a small square beside it has as many
# points in the small one: the loss weighs an area there a hundred times as much.
# Seen: "1000 points: 500 in the part that has 1.0 % of the area".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pina-mathlab==0.3.2.post2610 torch==2.13.0
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import torch
from pina.domain import CartesianDomain, Union

print("pina-mathlab", version("pina-mathlab"))
torch.manual_seed(0)
large = CartesianDomain({"x": [0, 1], "y": [0, 1]})
small = CartesianDomain({"x": [1, 1.1], "y": [0, 0.1]})
points = Union([large, small]).sample(1000, "random")
inside = int((points.extract(["x"]).as_subclass(torch.Tensor) > 1).sum())
print(f"1000 points: {inside} in the part that has {0.01 / 1.01:.1%} of the area".replace("%", " %"))
sys.exit(0 if inside == 500 else 1)
PYTHON
