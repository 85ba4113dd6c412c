"""One action by CEM in an ensemble, as PETS plans (TS∞), in JAX: all of it under one `jit`.

The model is asked as in jax_forward.py: member by member in blocks of rows.
"""

import peer
import problem

args = peer.arguments(
    members=7, inputs=5, hidden="200x4", outputs=8, rows=1_000, block=1_000, horizon=15, iterations=5, population=350
)
jax = peer.load_jax()
from jax import lax, nn, numpy as jnp, random

if args.check:
    problem.tiny(args)
    args.population, args.horizon, args.iterations = 20, 3, 1
ensemble, _ = jax.tree.map(jnp.asarray, problem.forward(args))
obs = args.inputs - 1
elites = args.population // 10
total = args.members * args.rows
plan_of = jnp.arange(total) % args.population


def member(layers, x):
    def block(x):
        for weight, bias in layers[:-1]:
            x = nn.silu(x @ weight + bias)
        weight, bias = layers[-1]
        return x @ weight + bias

    return lax.map(block, x.reshape(-1, args.block, args.inputs)).reshape(args.rows, args.outputs)


def step(ensemble, state, act, key):
    x = jnp.concatenate((state, act), 1).reshape(args.members, args.rows, args.inputs)
    out = lax.map(lambda each: member(*each), (ensemble, x)).reshape(total, args.outputs)
    mean, log_var = jnp.split(out, 2, 1)
    log_var = 0.5 - nn.softplus(0.5 - log_var)
    log_var = -10.0 + nn.softplus(log_var + 10.0)
    return state + mean + jnp.exp(0.5 * log_var) * random.normal(key, (total, obs))


@jax.jit
def action(ensemble, key):
    def search(carry, key):
        mean, var = carry
        key, own = random.split(key)
        deviation = jnp.sqrt(jnp.minimum(jnp.minimum(((mean + 1) / 2) ** 2, ((1 - mean) / 2) ** 2), var))
        noise = random.truncated_normal(own, -2.0, 2.0, (args.population, args.horizon))
        plans = mean + deviation * noise

        def move(carry, each):
            (state, sums), (act, key) = carry, each
            state = step(ensemble, state, act[plan_of, None], key)
            return (state, sums + 1 - jnp.abs(state[:, 0])), None

        start = jnp.zeros((total, obs)), jnp.zeros(total)
        (_, sums), _ = lax.scan(move, start, (plans.T, random.split(key, args.horizon)))
        scores = jnp.zeros(args.population).at[plan_of].add(sums)
        best = plans[lax.top_k(scores, elites)[1]]
        mean = 0.1 * mean + 0.9 * best.mean(0)
        return (mean, 0.1 * var + 0.9 * best.var(0)), None

    start = jnp.zeros(args.horizon), jnp.full(args.horizon, 0.25)
    (mean, _), _ = lax.scan(search, start, random.split(key, args.iterations))
    return mean


key = random.key(0)


def operation():
    return action(ensemble, key).block_until_ready()


if args.check:
    print(*(f"{value:.6f}" for value in jnp.abs(operation())))
else:
    peer.serve(operation)
