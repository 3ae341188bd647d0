"""Problems in jinns: its second-order optimizers, with networks and points of its notebooks, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from dev.bench.race import Course
from dgm_core import load_problem

_NETWORKS = {"heat": (16, 16), "burgers": (16, 16, 16)}
"""Units of the tanh layers: notebooks "Heat equation with NGD" and "Burgers equation in 1D"."""
_POINTS = {"heat": (2_028, 2_028, 2_028), "burgers": (900, 2_000, 2_000)}
"""In the domain, on its ends and at the start; drawn once."""
METHODS = {"natural gradient": 10, "self-scaled Broyden": 100}
"""Its second-order optimizers, and their iterations between two looks at the error."""
_LAPS = 300


def jinns_course(name: str, method: str) -> Callable[[int], Course]:
    """A training of one seed of a problem.  method: "natural gradient", with backtracking, or "self-scaled
    Broyden", with a zoom line search.

    Compiling a block of iterations, which takes XLA seconds for each training, is not counted.
    """

    def of(seed: int) -> Course:
        import jax

        before = jax.config.jax_enable_x64
        jax.config.update("jax_enable_x64", True)
        state, block, error = _prepared(name, method, seed)
        compiled = jax.jit(block).lower(*state).compile()

        def laps() -> Iterator[Callable[[], float]]:
            nonlocal state
            try:
                for _ in range(_LAPS):
                    state = jax.block_until_ready(compiled(*state))
                    yield partial(error, state[0])
            finally:
                jax.config.update("jax_enable_x64", before)

        return laps()

    return of


def _prepared(name: str, method: str, seed: int) -> tuple[tuple[Any, ...], Callable[..., Any], Any]:
    """Parameters, optimizer's state and points; a block of iterations on them; the error of parameters."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import jinns

    problem = load_problem(name)
    x, t = problem.domain.axes
    points = problem.evaluation_points().numpy()
    reference = problem.reference(problem.evaluation_points()).numpy()
    draw, grow = jax.random.split(jax.random.PRNGKey(seed))
    inside, ends, start = _POINTS[name]
    data = jinns.data.CubicMeshPDENonStatio(
        key=draw,
        n=inside,
        nb=ends,
        ni=start,
        dim=1,
        min_pts=(x.lower,),
        max_pts=(x.upper,),
        tmin=t.lower,
        tmax=t.upper,
        method="uniform",
    )
    layers: list[Any] = []
    before = 2
    for units in _NETWORKS[name]:
        layers += [(eqx.nn.Linear, before, units), (jax.nn.tanh,)]
        before = units
    layers.append((eqx.nn.Linear, before, 1))
    u, weights = jinns.nn.PINN_MLP.create(key=grow, eqx_list=tuple(layers), eq_type="PDENonStatio")
    params = jinns.parameters.Params(nn_params=weights, eq_params={"nu": jnp.array(0.01 / math.pi)})
    loss = jinns.loss.LossPDENonStatio(
        u=u,
        loss_weights=jinns.loss.LossWeightsPDENonStatio(
            dyn_loss=1.0, initial_condition=1.0, boundary_loss=1.0
        ),
        dynamic_loss=_equation(name),
        boundary_condition=jinns.loss.Dirichlet(),
        initial_condition_fun=(lambda x: jnp.sin(x)) if name == "heat" else lambda x: -jnp.sin(jnp.pi * x),
        params=params,
    )
    optimizer, extra = _optimizer(method)

    def block(params: Any, state: Any, data: Any) -> Any:
        results = jinns.solve(
            n_iter=METHODS[method],
            init_params=params,
            opt_state=state,
            data=data,
            loss=loss,
            optimizer=optimizer,
            verbose=False,
            ahead_of_time=False,
            print_loss_every=1,
            extra_optax_args_and_kwargs=extra,
        )
        return results[0], results[5], results[3]

    field = jax.jit(jax.vmap(lambda params, at: u(at, params), (None, 0)))

    def error(params: Any) -> float:
        values = np.asarray(field(params, points[:, ::-1].copy()))
        return float(np.linalg.norm(values - reference) / np.linalg.norm(reference))

    return (params, optimizer.init(params), data), block, error


def _equation(name: str) -> Any:
    import jax
    import jinns

    class Heat(jinns.loss.PDENonStatio):
        def equation(self, t_x: Any, u: Any, params: Any) -> Any:
            slopes = jax.grad(lambda at: u(at, params).squeeze())
            return slopes(t_x)[0:1] - jax.grad(lambda at: slopes(at)[1])(t_x)[1:2]

    return Heat() if name == "heat" else jinns.loss.BurgersEquation(Tmax=1)


def _optimizer(method: str) -> tuple[Any, Any]:
    """With what `jinns.solve` has to hand to it."""
    import jinns
    import optax

    if method == "natural gradient":
        search = optax.scale_by_backtracking_linesearch(max_backtracking_steps=15)
        return jinns.optimizers.vanilla_ngd(linesearch=search), None

    def callback_value_fn(params: Any, batch: Any, loss: Any) -> Any:
        return loss.evaluate(params, batch)[0]

    def callback_grad_fn(params: Any, batch: Any, loss: Any) -> Any:
        return loss.ponderate_and_sum_gradient(loss.values_and_grads(params, batch)[1])

    named = jinns.solver.GetJinnsVariableName
    return jinns.optimizers.scale_by_SSBroyden_family(), {
        "value": named("train_loss_value"),
        "grad_pt": named("grads"),
        "value_fn": callback_value_fn,
        "grad_fn": callback_grad_fn,
        "batch": named("batch"),
        "loss": named("loss"),
    }
