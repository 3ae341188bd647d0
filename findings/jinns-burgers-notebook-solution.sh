#!/usr/bin/env bash
# jinns 1.10.2 with JAX 0.10.2: the settings of its Burgers notebook end at a loss of 1e-7 and a wrong solution.
# Expected: 300 steps of natural gradient that lower the loss by six orders of magnitude solve the equation.
# Happens: the 900 points in the domain are drawn once and stay.  The network of 3 x 16 tanh units satisfies the equation
# there and misses the steep front between them.  The notebook shows losses and pictures, and no reference solution.
# Seen: "seed 1: loss 3.8e-07, relative L2 error 0.41" and "seed 2: loss 9.8e-08, relative L2 error 0.31".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jinns==1.10.2 jax==0.10.2
JAX_ENABLE_X64=1 JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import jinns
import numpy as np
import optax

NU = 0.01 / np.pi
print("jinns", "1.10.2", "JAX", jax.__version__)


def exact(x, t):
    """By the transformation of Cole and Hopf, with Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite.hermgauss(200)
    at = x[:, None] - np.sqrt(4 * NU * t[:, None]) * nodes
    potential = weights * np.exp(-np.cos(np.pi * at) / (2 * np.pi * NU))
    return -(potential * np.sin(np.pi * at)).sum(1) / potential.sum(1)


def train(seed):
    draw, grow = jax.random.split(jax.random.PRNGKey(seed))
    points = jinns.data.CubicMeshPDENonStatio(
        key=draw, n=900, nb=2000, ni=2000, dim=1, min_pts=(-1.0,), max_pts=(1.0,), tmin=0.0, tmax=1.0, method="uniform"
    )
    tanh = (jax.nn.tanh,)
    layers = ((eqx.nn.Linear, 2, 16), tanh, (eqx.nn.Linear, 16, 16), tanh, (eqx.nn.Linear, 16, 16), tanh)
    u, weights = jinns.nn.PINN_MLP.create(
        key=grow, eqx_list=(*layers, (eqx.nn.Linear, 16, 1)), eq_type="PDENonStatio"
    )
    params = jinns.parameters.Params(nn_params=weights, eq_params={"nu": jnp.array(NU)})
    loss = jinns.loss.LossPDENonStatio(
        u=u,
        loss_weights=jinns.loss.LossWeightsPDENonStatio(dyn_loss=1, initial_condition=1, boundary_loss=1),
        dynamic_loss=jinns.loss.BurgersEquation(Tmax=1),
        boundary_condition=jinns.loss.Dirichlet(),
        initial_condition_fun=lambda x: -jnp.sin(jnp.pi * x),
        params=params,
    )
    search = optax.scale_by_backtracking_linesearch(max_backtracking_steps=15)
    params, losses, *_ = jinns.solve(
        init_params=params,
        data=points,
        optimizer=jinns.optimizers.vanilla_ngd(linesearch=search),
        loss=loss,
        n_iter=300,
        verbose=False,
    )
    x, t = (each.ravel() for each in np.meshgrid(np.linspace(-1, 1, 101), np.linspace(0.01, 1, 100)))
    at = jnp.stack([jnp.array(t), jnp.array(x)], axis=1)
    values = np.asarray(jax.vmap(lambda t_x: u(t_x, params))(at))[:, 0]
    right = exact(x, t)
    return float(losses[-1]), float(np.linalg.norm(values - right) / np.linalg.norm(right))


results = {seed: train(seed) for seed in (1, 2)}
for seed, (loss, error) in results.items():
    print(f"seed {seed}: loss {loss:.1e}, relative L2 error {error:.2f}")
sys.exit(0 if all(loss < 1e-5 and error > 0.1 for loss, error in results.values()) else 1)
PYTHON
