"""A whole SAC update in JAX under one `jit`: gather, twin critics, actor, temperature (three Adams), target networks.

Several agents are one batched network: agent p has critics 2p and 2p + 1.
"""

import math

import peer
import problem

args = peer.arguments(obs=17, act=6, hidden="256x2", batch=256, agents=1, scan=1)
jax = peer.load_jax()
import adam
from jax import nn, numpy as jnp

DISCOUNT, TAU, RATE = 0.99, 0.005, 3e-4
if args.check:
    problem.tiny(args)
agents, batch, obs, act = args.agents, args.batch, args.obs, args.act
actor, critics, replay, rows = jax.tree.map(jnp.asarray, problem.sac(args))


def mlp(network, x):
    for weight, bias in network[:-1]:
        x = nn.relu(x @ weight + bias)
    weight, bias = network[-1]
    return x @ weight + bias


def values(network, x):
    """Both critics' values: [agents, 2, batch]."""
    return mlp(network, jnp.repeat(x, 2, axis=0)).reshape(agents, 2, batch)


def sample(actor, states, noise):
    """Actions, and the logarithm of their density."""
    mean, log_std = jnp.split(mlp(actor, states), 2, -1)
    log_std = jnp.clip(log_std, -20, 2)
    raw = mean + jnp.exp(log_std) * noise
    # log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(-2u))
    terms = 2 * (raw + nn.softplus(-2 * raw)) - log_std - 0.5 * noise * noise
    return jnp.tanh(raw), terms.sum(-1) - act * (0.5 * math.log(2 * math.pi) + 2 * math.log(2))


def update(state, replay, rows, noise):
    params, targets, moments, t = state
    t = t + 1
    actor, critics, log_alpha = params
    records = replay.at[rows[t % problem.SETS]].get(mode="promise_in_bounds")
    both, after, reward, end = jnp.split(records, (obs + act, 2 * obs + act, 2 * obs + act + 1), -1)
    states, alpha = both[..., :obs], jnp.exp(log_alpha)
    next_action, next_log_prob = sample(actor, after, noise[0])
    value = values(targets, jnp.concatenate((after, next_action), -1)).min(1) - alpha * next_log_prob
    target = reward[..., 0] + DISCOUNT * (1 - end[..., 0]) * value

    def critic_loss(critics):
        return 0.5 / batch * jnp.square(values(critics, both) - target[:, None]).sum()

    critic_loss, gradient = jax.value_and_grad(critic_loss)(critics)
    critics, critic_moments = adam.step(critics, gradient, moments[1], t, RATE)

    def actor_loss(actor):
        action, log_prob = sample(actor, states, noise[1])
        value = values(critics, jnp.concatenate((states, action), -1)).min(1)
        return (alpha * log_prob - value).sum() / batch, log_prob

    (actor_loss, log_prob), gradient = jax.value_and_grad(actor_loss, has_aux=True)(actor)
    actor, actor_moments = adam.step(actor, gradient, moments[0], t, RATE)

    # The gradient of -log_alpha * (log_prob + target entropy), which is -act.
    gradient = (act - log_prob).mean(-1, keepdims=True)
    log_alpha, alpha_moments = adam.step(log_alpha, gradient, moments[2], t, RATE)

    targets = jax.tree.map(lambda target, critic: target + TAU * (critic - target), targets, critics)
    state = (actor, critics, log_alpha), targets, (actor_moments, critic_moments, alpha_moments), t
    return state, (critic_loss, actor_loss, log_alpha.sum())


def updates(state, replay, rows, key):
    def one(state, _):
        noise = jax.random.normal(jax.random.fold_in(key, state[-1]), (2, agents, batch, act))
        return update(state, replay, rows, noise)

    if args.scan == 1:
        return one(state, None)
    return jax.lax.scan(one, state, length=args.scan)


params = actor, critics, jnp.zeros((agents, 1))
state = params, jax.tree.map(jnp.copy, critics), tuple(map(adam.moments, params)), jnp.int32(0)
compiled = jax.jit(update if args.check else updates, donate_argnums=0)
key = jax.random.key(0)


def operation(noise=key):
    global state
    state, losses = compiled(state, replay, rows, noise)
    return losses


if args.check:
    for t in range(problem.CHECK_STEPS):
        print(*(f"{value.item():.6f}" for value in operation(problem.sac_noise(args, t))))
else:
    peer.serve(operation, per_call=args.scan, finish=lambda: jax.block_until_ready(state))
