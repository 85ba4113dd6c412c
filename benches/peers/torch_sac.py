"""A whole SAC update in eager PyTorch: gather, twin critics, actor, temperature (three fused Adams), target networks.

Several agents are one batched network: agent p has critics 2p and 2p + 1.
"""

import math

import peer
import problem

args = peer.arguments(obs=17, act=6, hidden="256x2", batch=256, agents=1)
torch = peer.load_torch()
from torch.nn import functional as F

DISCOUNT, TAU, RATE = 0.99, 0.005, 3e-4
if args.check:
    problem.tiny(args)
agents, batch, obs, act = args.agents, args.batch, args.obs, args.act
actor, critics, replay, rows = problem.sac(args)
replay = torch.from_numpy(replay)
rows = [torch.from_numpy(set).long().flatten() for set in rows]
actor, critics = ([tuple(map(torch.from_numpy, layer)) for layer in network] for network in (actor, critics))
targets = [tuple(parameter.clone() for parameter in layer) for layer in critics]
log_alpha = torch.zeros(agents, 1)
log_alpha.grad = torch.zeros(agents, 1)


def flat(network):
    return [parameter for layer in network for parameter in layer]


for parameter in flat(actor) + flat(critics):
    parameter.requires_grad_()
actor_adam, critic_adam, alpha_adam = (
    torch.optim.Adam(parameters, lr=RATE, fused=True) for parameters in (flat(actor), flat(critics), [log_alpha])
)
turn = 0


def mlp(network, x):
    for weight, bias in network[:-1]:
        x = torch.baddbmm(bias, x, weight).relu_()
    weight, bias = network[-1]
    if weight.shape[-1] == 1:  # a product with a single column is slower than a sum
        return (x * weight.mT).sum(-1, keepdim=True) + bias
    return torch.baddbmm(bias, x, weight)


def smaller_value(network, x):
    """The smaller of the two critics' values, and both: [agents, batch] and [2 * agents, batch]."""
    both = mlp(network, twice(x)).squeeze(-1)
    return torch.minimum(*both.view(agents, 2, batch).unbind(1)), both


def twice(x):
    return x.unsqueeze(1).expand(-1, 2, -1, -1).reshape(2 * agents, *x.shape[1:])


def sample(states, noise):
    """Actions, and the logarithm of their density."""
    mean, log_std = mlp(actor, states).chunk(2, -1)
    log_std = log_std.clamp(-20, 2)
    raw = torch.addcmul(mean, log_std.exp(), noise)
    # log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(-2u))
    terms = 2 * (raw + F.softplus(-2 * raw)) - log_std - 0.5 * noise * noise
    return raw.tanh(), terms.sum(-1) - act * (0.5 * math.log(2 * math.pi) + 2 * math.log(2))


def update(noise):
    global turn
    turn = (turn + 1) % problem.SETS
    records = replay.index_select(0, rows[turn]).view(agents, batch, -1)
    both, after, reward, end = records.split((obs + act, obs, 1, 1), -1)
    states = both[..., :obs]
    with torch.no_grad():
        alpha = log_alpha.exp()
        next_action, next_log_prob = sample(after, noise[0])
        value = smaller_value(targets, torch.cat((after, next_action), -1))[0] - alpha * next_log_prob
        target = reward.squeeze(-1) + DISCOUNT * (1 - end.squeeze(-1)) * value

    error = mlp(critics, twice(both)).view(agents, 2, batch) - target.unsqueeze(1)
    critic_loss = 0.5 / batch * error.square().sum()
    critic_adam.zero_grad()
    critic_loss.backward()
    critic_adam.step()

    action, log_prob = sample(states, noise[1])
    value, _ = smaller_value(critics, torch.cat((states, action), -1))
    actor_loss = (alpha * log_prob - value).sum() / batch
    actor_adam.zero_grad()
    actor_loss.backward(inputs=flat(actor))  # the critics' own gradients are not needed
    actor_adam.step()

    with torch.no_grad():  # the gradient of -log_alpha * (log_prob + target entropy), which is -act
        log_alpha.grad = (act - log_prob).mean(-1, keepdim=True)
        alpha_adam.step()
        torch._foreach_lerp_(flat(targets), flat(critics), TAU)
    return critic_loss, actor_loss, log_alpha.sum()


if args.check:
    for t in range(problem.CHECK_STEPS):
        print(*(f"{value.item():.6f}" for value in update(torch.from_numpy(problem.sac_noise(args, t)))))
else:
    peer.serve(lambda: update(torch.randn(2, agents, batch, act)))
