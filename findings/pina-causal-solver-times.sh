#!/usr/bin/env bash
# pina-mathlab 0.3.2.post2610: the causal solver trains at none of the times that the points have.
# Expected: causal weights weigh the residuals at the points of the condition, 200 random ones in space and time.
# Happens: the times of the points are thrown away.  All 200 positions are taken at each of n_steps = 10 fixed instants,
# from the start to the end, so that the residual between two instants is never seen, and a step costs ten times as much.
# Seen: "200 points with 200 times: the equation is evaluated at 2000 points with 10 times, none of them given".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pina-mathlab==0.3.2.post2610 torch==2.13.0
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import logging
import sys
from importlib.metadata import version

import torch
from pina import Condition, Trainer
from pina.domain import CartesianDomain
from pina.equation import Equation
from pina.model import FeedForward
from pina.operator import grad
from pina.problem import SpatialProblem, TimeDependentProblem
from pina.solver import CausalPhysicsInformedSingleModelSolver

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
print("pina-mathlab", version("pina-mathlab"))
seen = []


def times(points):
    return points.extract(["t"]).detach().as_subclass(torch.Tensor).flatten()


def transport(points, output):
    seen.append(times(points))
    return grad(output, points, components=["u"], d=["t"]) + grad(output, points, components=["u"], d=["x"])


class Transport(TimeDependentProblem, SpatialProblem):
    output_variables = ["u"]
    spatial_domain = CartesianDomain({"x": [0, 1]})
    temporal_domain = CartesianDomain({"t": [0, 1]})
    domains = {"inside": CartesianDomain({"x": [0, 1], "t": [0, 1]})}
    conditions = {"inside": Condition(domain="inside", equation=Equation(transport))}


torch.manual_seed(0)
problem = Transport()
problem.discretise_domain(200, "random", domains=["inside"])
given = times(problem.discretised_domains["inside"])
solver = CausalPhysicsInformedSingleModelSolver(
    problem=problem,
    model=FeedForward(input_dimensions=2, output_dimensions=1, layers=[8]),
    regularized_conditions=["inside"],
)
Trainer(
    solver,
    max_epochs=1,
    accelerator="cpu",
    enable_progress_bar=False,
    enable_model_summary=False,
    enable_checkpointing=False,
    logger=False,
).train()
trained = torch.cat(seen)
common = torch.isin(trained, given).sum().item()
print(
    f"{len(given)} points with {len(given.unique())} times: the equation is evaluated at {len(trained)} points "
    f"with {len(trained.unique())} times, {common or 'none'} of them given"
)
sys.exit(0 if len(trained) == 2000 and len(trained.unique()) == 10 and not common else 1)
PYTHON
