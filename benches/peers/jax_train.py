"""A training step of an ensemble of Gaussian networks in JAX: gather, loss, gradient and Adam under one `jit`."""

import peer
import problem

args = peer.arguments(members=7, inputs=23, hidden="200x4", outputs=36, batch=256, scan=1)
jax = peer.load_jax()
import adam
from jax import nn, numpy as jnp

if args.check:
    problem.tiny(args)
ensemble, table, rows = jax.tree.map(jnp.asarray, problem.training(args))
decays = problem.decays(len(ensemble))
dims = args.outputs // 2
params = (ensemble, jnp.full(dims, 0.5, jnp.float32), jnp.full(dims, -10.0, jnp.float32))


def loss(params, batch):
    layers, max_log_var, min_log_var = params
    x, y = batch[..., : args.inputs], batch[..., args.inputs :]
    for weight, bias in layers[:-1]:
        x = nn.silu(x @ weight + bias)
    weight, bias = layers[-1]
    out = x @ weight + bias
    mean, log_var = out[..., :dims], out[..., dims:]
    log_var = max_log_var - nn.softplus(max_log_var - log_var)
    log_var = min_log_var + nn.softplus(log_var - min_log_var)
    fit = (jnp.square(mean - y) * jnp.exp(-log_var) + log_var).sum() / (args.batch * dims)
    return fit + 0.01 * (max_log_var - min_log_var).sum()


def step(state, table, rows):
    params, moments, t = state
    batch = table.at[rows[(t + 1) % problem.SETS]].get(mode="promise_in_bounds")
    fit, (layers, *bounds) = jax.value_and_grad(loss)(params, batch)
    # What `decay / 2 * sum of squares` in the loss would add.
    layers = [(dw + decay * w, db) for (dw, db), (w, _), decay in zip(layers, params[0], decays)]
    params, moments = adam.step(params, (layers, *bounds), moments, t + 1, 1e-3)
    return (params, moments, t + 1), fit


def steps(state, table, rows):
    return jax.lax.scan(lambda state, _: step(state, table, rows), state, length=args.scan)


compiled = jax.jit(step if args.check or args.scan == 1 else steps, donate_argnums=0)
state = (params, adam.moments(params), jnp.int32(0))


def operation():
    global state
    state, fit = compiled(state, table, rows)
    return fit


if args.check:
    print(*(f"{operation().item():.6f}" for _ in range(problem.CHECK_STEPS)))
else:
    peer.serve(operation, per_call=args.scan, finish=lambda: jax.block_until_ready(state))
