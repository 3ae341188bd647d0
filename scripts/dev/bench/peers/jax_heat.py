"""The heat equation in JAX: jit, vmap over replicates, scan over iterations."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from dev.bench.comparison import Work

_RATE, _BETA1, _BETA2, _EPSILON = 1e-4, 0.9, 0.999, 1e-8
_BLOCK = 50
"""Iterations of one call: a scan as a training would run it between two looks."""


def jax_steps(depth: int, width: int, replicates: int, batch: int) -> Callable[[], Work]:
    """Derivatives by forward mode, which XLA fuses; Adam written out; points drawn inside the scan."""

    def make() -> Work:
        import jax
        import jax.numpy as jnp

        def network(parameters: Any, x: Any, t: Any) -> Any:
            values = jnp.stack([x, t])
            for weight, bias in parameters[:-1]:
                values = jnp.tanh(values @ weight + bias)
            weight, bias = parameters[-1]
            return (values @ weight + bias)[0]

        def squares(parameters: Any, x: Any, t: Any) -> Any:
            def along_x(x: Any) -> Any:
                return jax.jvp(lambda x: network(parameters, x, t), (x,), (1.0,))[1]

            u_xx = jax.jvp(along_x, (x,), (1.0,))[1]
            u_t = jax.jvp(lambda t: network(parameters, x, t), (t,), (1.0,))[1]
            start = network(parameters, x, 0.0) - jnp.sin(x)
            left, right = network(parameters, 0.0, t), network(parameters, math.pi, t)
            return (u_t - u_xx) ** 2 + start**2 + left**2 + right**2

        def loss(parameters: Any, x: Any, t: Any) -> Any:
            return jax.vmap(squares, (None, 0, 0))(parameters, x, t).mean()

        def step(state: Any, _: Any) -> Any:
            parameters, first, second, count, key = state
            key, subkey = jax.random.split(key)
            drawn = jax.random.uniform(subkey, (2, batch))
            value, gradient = jax.value_and_grad(loss)(parameters, math.pi * drawn[0], 3.0 * drawn[1])
            count = count + 1
            first = jax.tree.map(lambda m, g: _BETA1 * m + (1 - _BETA1) * g, first, gradient)
            second = jax.tree.map(lambda v, g: _BETA2 * v + (1 - _BETA2) * g * g, second, gradient)
            rate = _RATE * jnp.sqrt(1 - _BETA2**count) / (1 - _BETA1**count)
            parameters = jax.tree.map(
                lambda p, m, v: p - rate * m / (jnp.sqrt(v) + _EPSILON), parameters, first, second
            )
            return (parameters, first, second, count, key), value

        def initial(key: Any) -> Any:
            parameters = []
            for fan_in, fan_out in pairwise([2, *[width] * depth, 1]):
                key, subkey = jax.random.split(key)
                bound = math.sqrt(6.0 / (fan_in + fan_out))
                weight = jax.random.uniform(subkey, (fan_in, fan_out), minval=-bound, maxval=bound)
                parameters.append((weight, jnp.zeros(fan_out)))
            zeros = jax.tree.map(jnp.zeros_like, parameters)
            return parameters, zeros, zeros, jnp.zeros(()), key

        block = jax.jit(jax.vmap(lambda state: jax.lax.scan(step, state, None, length=_BLOCK)))
        state = jax.vmap(initial)(jax.random.split(jax.random.key(0), replicates))

        def work(blocks: int) -> None:
            nonlocal state
            for _ in range(blocks):
                state, losses = block(state)
            losses.block_until_ready()

        return work

    return make


def jax_share(replicates: int) -> int:
    """What the time of one unit, a block of iterations, is divided by."""
    return _BLOCK * replicates
