"""A whole SAC update in JAX under one `jit`: gather, twin critics, actor, temperature (three Adams), target networks.

Several agents are updated `--together` as one batched network, in which agent p has critics 2p and 2p + 1, and one such batch
after another: large networks of many agents would not stay in the cache.
"""

import math

import peer
import problem

args = peer.arguments(obs=17, act=6, hidden="256x2", batch=256, agents=1, together=1, scan=1)
jax = peer.load_jax()
import adam
import numpy as np
from jax import nn, numpy as jnp

DISCOUNT, TAU, RATE = 0.99, 0.005, 3e-4
if args.check:
    problem.tiny(args)
if args.agents % args.together:
    raise SystemExit(f"--together {args.together} does not divide --agents {args.agents}")
agents, batch, obs, act = args.together, args.batch, args.obs, args.act
groups = args.agents // agents
actor, critics, replay, rows = problem.sac(args)


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


def initial(group):
    """The state of a group of agents, of which each has one actor and two critics."""
    part = lambda array: jnp.array(array.reshape(groups, -1, *array.shape[1:])[group])
    params = jax.tree.map(part, (actor, critics)) + (jnp.zeros((agents, 1)),)
    return params, jax.tree.map(jnp.copy, params[1]), tuple(map(adam.moments, params)), jnp.int32(0)


replay = jnp.asarray(replay)
rows = [jnp.asarray(part) for part in np.split(rows, groups, axis=1)]
keys = list(jax.random.split(jax.random.key(0), groups))
states = [initial(group) for group in range(groups)]
compiled = jax.jit(update if args.check else updates, donate_argnums=0)


def operation(noise=keys):
    losses = []
    for group in range(groups):
        states[group], loss = compiled(states[group], replay, rows[group], noise[group])
        losses.append(loss)
    return losses


if args.check:
    for t in range(problem.CHECK_STEPS):
        losses = operation(np.split(problem.sac_noise(args, t), groups, axis=1))
        print(*(f"{sum(each).item():.6f}" for each in zip(*losses)))
else:
    peer.serve(operation, per_call=args.scan, finish=lambda: jax.block_until_ready(states))
