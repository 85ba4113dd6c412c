"""The seeded problems that the PyTorch and the JAX scripts share, as NumPy arrays."""

import numpy as np

SETS = 64  # sets of row numbers, drawn beforehand and used in turn
CHECK_STEPS = 4
DECAYS = (2.5e-5, 5e-5, 7.5e-5, 7.5e-5, 1e-4)  # of the weights, layer by layer


def sizes(inputs, hidden, outputs):
    """The widths of a network whose hidden layers are written `200x4`."""
    width, depth = map(int, hidden.split("x"))
    return [inputs] + depth * [width] + [outputs]


def decays(layers):
    """A weight decay for each layer; the output layer has the last one."""
    return [*DECAYS[: layers - 1], *(layers - len(DECAYS)) * [DECAYS[-2]], DECAYS[-1]]


def network(rng, members, sizes):
    """Weights [members, in, out] and biases [members, 1, out] of each layer."""
    return [
        (normal(rng, members, i, o) / np.float32(2 * i**0.5), np.zeros((members, 1, o), np.float32))
        for i, o in zip(sizes, sizes[1:])
    ]


def normal(rng, *shape):
    return rng.standard_normal(shape, np.float32)


def training(args):
    """An ensemble, a table of 20,000 rows (inputs, then targets) and the rows of each member's minibatches."""
    rng = np.random.default_rng(0)
    ensemble = network(rng, args.members, sizes(args.inputs, args.hidden, args.outputs))
    table = normal(rng, 20_000, args.inputs + args.outputs // 2)
    rows = rng.integers(0, len(table), (SETS, args.members, args.batch), np.int32)
    return ensemble, table, rows


def forward(args):
    """An ensemble and its inputs [members, rows, inputs]."""
    rng = np.random.default_rng(0)
    ensemble = network(rng, args.members, sizes(args.inputs, args.hidden, args.outputs))
    return ensemble, normal(rng, args.members, args.rows, args.inputs)


def sac(args):
    """Actors, their twin critics, a replay of 100,000 rows (obs, act, next obs, reward, end), the rows of each update."""
    rng = np.random.default_rng(0)
    obs, act, agents = args.obs, args.act, args.agents
    actor = network(rng, agents, sizes(obs, args.hidden, 2 * act))
    critics = network(rng, 2 * agents, sizes(obs + act, args.hidden, 1))
    replay = normal(rng, 100_000, obs + act + obs + 2)
    replay[:, obs : obs + act] = np.tanh(replay[:, obs : obs + act])
    replay[:, -1] = replay[:, -1] > 2
    rows = rng.integers(0, len(replay), (SETS, agents, args.batch), np.int32)
    return actor, critics, replay, rows


def sac_noise(args, t):
    """The noise of update `t` of a check: of the next action, and of the action."""
    return normal(np.random.default_rng(t + 1), 2, args.agents, args.batch, args.act)


def tiny(args):
    """The sizes of a check."""
    small = dict(members=3, inputs=5, hidden="16x3", outputs=8, batch=32, rows=40, block=20, obs=3, act=2, agents=2)
    for name, value in small.items():
        if hasattr(args, name):
            setattr(args, name, value)
