"""The seeded problems that the PyTorch and the JAX scripts share, as NumPy arrays."""

from types import SimpleNamespace

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


def mbpo(cycle):
    """What a cycle of MBPO begins with, and what its check computes losses of."""
    rng = np.random.default_rng(0)
    obs, act = cycle.OBS, cycle.ACT

    def linears(widths):  # as `nn.Linear` keeps them
        return [(weight[0].T.copy(), bias[0, 0]) for weight, bias in network(rng, 1, widths)]

    rows = normal(rng, cycle.ROWS, obs + act + obs + 1)
    rows[:, :obs] *= 0.1
    rows[:, obs : obs + act] = np.tanh(rows[:, obs : obs + act])
    rows[:, obs + act : -1] *= 0.02
    rows[:, -1] = 1
    imagined = normal(rng, cycle.STARTS, obs + act + 1 + obs + 1)
    imagined[:, obs : obs + act] = np.tanh(imagined[:, obs : obs + act])
    imagined[:, -1] = imagined[:, -1] < 2
    return SimpleNamespace(
        model=network(rng, cycle.MEMBERS, sizes(obs + act, cycle.HIDDEN, 2 * (obs + 1))),
        actor=linears(sizes(obs, cycle.SAC_HIDDEN, 2 * act)),
        critics=[linears(sizes(obs + act, cycle.SAC_HIDDEN, 1)) for _ in range(2)],
        alpha=0.2,  # of the first update; then it is what is learnt, from 1 on
        rows=rows,
        imagined=imagined,
        model_batches=[normal(rng, cycle.MEMBERS, 32, obs + act + obs + 1) for _ in range(CHECK_STEPS)],
        update_rows=rng.integers(0, cycle.STARTS, (2 * CHECK_STEPS, 32)),
    )


def tiny(args):
    """The sizes of a check."""
    small = dict(members=3, inputs=5, hidden="16x3", outputs=8, batch=32, rows=40, block=20, obs=3, act=2, agents=2)
    for name, value in small.items():
        if hasattr(args, name):
            setattr(args, name, value)
