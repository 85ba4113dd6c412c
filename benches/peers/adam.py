"""Adam for trees of JAX arrays."""

import jax
from jax import numpy as jnp


def moments(params):
    """The two moments before the first step."""
    return jax.tree.map(jnp.zeros_like, params), jax.tree.map(jnp.zeros_like, params)


def step(params, gradients, moments, t, rate):
    """Step `t`, counted from 1: the new parameters and moments."""
    t = t.astype(jnp.float32)
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, moments[0], gradients)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, moments[1], gradients)
    rate, bias = rate / (1 - 0.9**t), 1 / (1 - 0.999**t)
    params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(bias * v) + 1e-8), params, first, second)
    return params, (first, second)
