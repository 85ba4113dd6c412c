"""MBPO's cycle at the setting of mbrl-lib's cartpole in eager PyTorch: the fit of its model, its rollouts, its updates.

What is computed is what mbrl-lib computes (`--check` prints the losses that mbrl_lib.py prints); how it is computed is left to
what is fast: fused Adam, rows gathered from one table, a member's rows in blocks that stay in the cache, no step in the world.
"""

import math

import cycle
import peer
import problem

args = cycle.arguments()
torch = peer.load_torch()
from torch.nn import functional as F

torch.manual_seed(args.seed)
OBS, ACT, BATCH = cycle.OBS, cycle.ACT, cycle.BATCH
BLOCK = 2_000
start = problem.mbpo(cycle)
tensors = lambda arrays: [torch.from_numpy(array) for array in arrays]

# Of the world: obs, act, change of obs, reward. Of imagination: obs, act, reward, next obs, whether it goes on.
real = torch.from_numpy(start.rows)
imagined = torch.zeros(cycle.STARTS, OBS + ACT + 1 + OBS + 1)
filled = cycle.STARTS

weights, biases = (tensors(layers) for layers in zip(*start.model))
for parameter in weights + biases:
    parameter.requires_grad_()
top, bottom = 0.5, -10.0
model_adam = torch.optim.Adam(weights + biases, lr=cycle.MODEL_RATE, weight_decay=cycle.DECAY, fused=True)
mean, deviation = torch.zeros(OBS + ACT), torch.ones(OBS + ACT)
elites = list(range(cycle.ELITES))


def bounded(log_var):
    log_var = top - F.softplus(top - log_var)
    return bottom + F.softplus(log_var - bottom)


def model_step(batch):
    """A step on `[members, rows, inputs + targets]`, whose inputs are normalised."""
    x, y = batch[..., : OBS + ACT], batch[..., OBS + ACT :]
    for weight, bias in zip(weights[:-1], biases[:-1]):
        x = F.silu(torch.baddbmm(bias, x, weight))
    predicted, log_var = torch.baddbmm(biases[-1], x, weights[-1]).chunk(2, -1)
    log_var = bounded(log_var)
    error = predicted - y
    loss = (error * error * torch.exp(-log_var) + log_var).sum() / (batch.shape[1] * (OBS + 1))
    model_adam.zero_grad()
    loss.backward()
    model_adam.step()
    return loss


def outputs(member, x):
    for weight, bias in zip(weights[:-1], biases[:-1]):
        x = F.silu(torch.addmm(bias[member], x, weight[member]), inplace=True)
    return torch.addmm(biases[-1][member], x, weights[-1][member])


@torch.no_grad()
def errors(rows):
    """The mean squared error of each member."""
    x, y = rows[:, : OBS + ACT], rows[:, OBS + ACT :]
    return torch.stack([F.mse_loss(outputs(member, x)[:, : OBS + 1], y) for member in range(cycle.MEMBERS)])


def fit(epochs):
    global mean, deviation, elites
    inputs = real[:, : OBS + ACT].double()
    mean, deviation = inputs.mean(0).float(), inputs.std(0).clamp_min(1e-12).float()
    rows = real[torch.randperm(len(real))]
    rows[:, : OBS + ACT] = (rows[:, : OBS + ACT] - mean) / deviation
    train, held_out = rows[: -cycle.HELD_OUT], rows[-cycle.HELD_OUT :]
    own = torch.randint(len(train), (cycle.MEMBERS, len(train)))
    best, kept = errors(held_out), None
    for _ in range(epochs):
        for batch in own[:, torch.randperm(len(train))].split(BATCH, 1):
            model_step(train.index_select(0, batch.flatten()).view(cycle.MEMBERS, -1, train.shape[1]))
        now = errors(held_out)
        if ((best - now) / best > cycle.IMPROVEMENT).any():
            best, kept = torch.minimum(best, now), [parameter.detach().clone() for parameter in weights + biases]
    if kept:
        with torch.no_grad():
            torch._foreach_copy_(weights + biases, kept)
    elites = best.argsort()[: cycle.ELITES].tolist()


# Linear layers as `nn.Linear` keeps them: weights [out, in], biases [out]; actor, two critics, and what follows these.
actor, *critics = ([tuple(tensors(layer)) for layer in network] for network in (start.actor, *start.critics))
targets = [[tuple(parameter.clone() for parameter in layer) for layer in critic] for critic in critics]
flat = lambda networks: [parameter for network in networks for layer in network for parameter in layer]
for parameter in flat([actor]) + flat(critics):
    parameter.requires_grad_()
log_alpha = torch.zeros(1)
log_alpha.grad = torch.zeros(1)
actor_adam, critic_adam, alpha_adam = (
    torch.optim.Adam(parameters, lr=cycle.RATE, fused=True) for parameters in (flat([actor]), flat(critics), [log_alpha])
)
alpha, updates = torch.tensor([start.alpha]), 0


def mlp(network, x):
    for weight, bias in network[:-1]:
        x = F.linear(x, weight, bias).relu_()
    return F.linear(x, *network[-1])


def sample(states):
    """Actions, and the logarithm of their density."""
    mean, log_std = mlp(actor, states).chunk(2, -1)
    std = log_std.clamp(-20, 2).exp()
    noise = torch.randn(mean.shape)
    act = torch.addcmul(mean, std, noise).tanh()
    log_prob = -0.5 * noise * noise - std.log() - 0.5 * math.log(2 * math.pi) - torch.log(1 - act * act + 1e-6)
    return act, log_prob.sum(-1, keepdim=True)


def smaller_value(critics, states, act):
    both = torch.cat((states, act), -1)
    return torch.minimum(*(mlp(critic, both) for critic in critics))


@torch.inference_mode()
def imagine(starts):
    global filled
    filled = starts
    now = real[torch.randint(len(real), (starts,)), :OBS]
    act = torch.cat([sample(block)[0] for block in now.split(BLOCK)])
    x = (torch.cat((now, act), -1) - mean) / deviation
    # As many rows for each elite, which ones by chance.
    for rows, member in zip(torch.randperm(starts).chunk(len(elites)), elites):
        for block in rows.split(BLOCK):
            predicted, log_var = outputs(member, x[block]).chunk(2, -1)
            change = torch.addcmul(predicted, torch.exp(0.5 * bounded(log_var)), torch.randn(predicted.shape))
            after = now[block] + change[:, :OBS]
            runs = (after[:, 0].abs() < 2.4) & (after[:, 2].abs() < 12 * math.pi / 180)
            imagined[block] = torch.cat((now[block], act[block], change[:, OBS:], after, runs[:, None].float()), -1)


def update(rows=None):
    global alpha, updates
    rows = torch.randint(filled, (BATCH,)) if rows is None else rows
    both, reward, after, runs = imagined.index_select(0, rows).split((OBS + ACT, 1, OBS, 1), -1)
    states = both[:, :OBS]
    with torch.no_grad():
        next_act, next_log_prob = sample(after)
        value = smaller_value(targets, after, next_act) - alpha * next_log_prob
        target = reward + cycle.DISCOUNT * runs * value
    critic_loss = sum(F.mse_loss(mlp(critic, both), target) for critic in critics)
    critic_adam.zero_grad()
    critic_loss.backward()
    critic_adam.step()

    act, log_prob = sample(states)
    actor_loss = (alpha * log_prob - smaller_value(critics, states, act)).mean()
    actor_adam.zero_grad()
    actor_loss.backward(inputs=flat([actor]))  # the critics' own gradients are not needed
    actor_adam.step()

    with torch.no_grad():
        log_alpha.grad = -(log_prob + cycle.TARGET_ENTROPY).mean(0)
        alpha_adam.step()
        alpha = log_alpha.exp()
        if updates % cycle.FOLLOW_EVERY == 0:
            torch._foreach_lerp_(flat(targets), flat(critics), cycle.TAU)
    updates += 1
    return critic_loss, actor_loss


if args.check:
    imagined[:] = torch.from_numpy(start.imagined)
    for batch in tensors(start.model_batches):
        print(f"{model_step(batch).item():.5f}")
    torch.manual_seed(args.seed)
    for rows in tensors(start.update_rows):
        print(*(f"{loss.item():.5f}" for loss in update(rows)))
else:
    cycle.serve(args.part, fit, imagine, update)
