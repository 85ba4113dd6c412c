"""Three updates of soft actor-critic by PyTorch 2.15: writes sac.in, which src/sac/tests.rs includes.

Two agents of three critics each, actions of [-2, 2] x [0, 1], five rows an update. Numbers are drawn by NumPy; every update
takes the critics first, then the actor, the temperature and the target critics.

    python sac.py > sac.in
"""

import numpy as np
import torch
import torch.nn.functional as F

OBS, ACT, WIDTH, ROWS, AGENTS, CRITICS, UPDATES = 3, 2, 8, 5, 2, 3, 3
TAU, LR, TARGET = 0.05, 1e-2, -1.5
rng = np.random.default_rng(0)
out = []


def note(name, values):
    numbers = ", ".join(shortest(v) for v in np.asarray(values).ravel())
    out.append(f'    ("{name}", &[{numbers}]),')


def shortest(value):
    """The shortest decimal that is this f32; Rust wants a point in it."""
    return np.format_float_positional(np.float32(value), unique=True, trim="0")


def network(sizes):
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layer = torch.nn.Linear(a, b)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(rng.uniform(-1, 1, (b, a)) / np.sqrt(a)))
            layer.bias.copy_(torch.tensor(rng.uniform(-1, 1, b) / np.sqrt(a)))
        layers += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def flat(net):
    parts = []
    for layer in net:
        if isinstance(layer, torch.nn.Linear):
            parts += [layer.weight.detach().numpy().T.ravel(), layer.bias.detach().numpy()]
    return np.concatenate(parts)


def act(net, obs, noise):
    mean, log_std = net(obs).chunk(2, -1)
    log_std = log_std.clamp(-20, 2)
    dist = torch.distributions.Normal(mean, log_std.exp())
    u = mean + log_std.exp() * noise
    log_prob = dist.log_prob(u) - 2 * (np.log(2) - u - F.softplus(-2 * u))
    return torch.tanh(u), log_prob.sum(-1)


state = {name: [] for name in ["theta", "critics", "final_theta", "final_critics", "final_targets", "final_log_temperature"]}
rows = {name: [[] for _ in range(UPDATES)] for name in
        ["obs", "act", "next_obs", "reward", "discount", "next_noise", "action_noise"]}
losses = np.zeros((UPDATES, 3))
for agent in range(AGENTS):
    actor = network([OBS, WIDTH, WIDTH, 2 * ACT])
    critics = [network([OBS + ACT, WIDTH, WIDTH, 1]) for _ in range(CRITICS)]
    targets = [network([OBS + ACT, WIDTH, WIDTH, 1]) for _ in range(CRITICS)]
    for target, critic in zip(targets, critics):
        target.load_state_dict(critic.state_dict())
    log_temperature = torch.tensor(np.log(0.5), dtype=torch.float32, requires_grad=True)
    actor_adam = torch.optim.Adam(actor.parameters(), lr=LR)
    critic_adam = torch.optim.Adam([p for c in critics for p in c.parameters()], lr=LR)
    temperature_adam = torch.optim.Adam([log_temperature], lr=LR)
    state["theta"].append(flat(actor))
    state["critics"] += [flat(c) for c in critics]

    def least(nets, obs, a):
        return torch.cat([net(torch.cat([obs, a], -1)) for net in nets], -1).min(-1).values

    for update in range(UPDATES):
        unit = rng.uniform(-1, 1, (ROWS, ACT))
        drawn = {
            "obs": rng.normal(size=(ROWS, OBS)), "next_obs": rng.normal(size=(ROWS, OBS)),
            "act": np.stack([2 * unit[:, 0], 0.5 * unit[:, 1] + 0.5], 1), "reward": rng.normal(size=ROWS),
            "discount": np.where(rng.uniform(size=ROWS) < 0.3, 0.0, 0.9),
            "next_noise": rng.normal(size=(ROWS, ACT)), "action_noise": rng.normal(size=(ROWS, ACT)),
        }
        for name, values in drawn.items():
            rows[name][update].append(values.astype(np.float32))
        d = {name: torch.tensor(values, dtype=torch.float32) for name, values in drawn.items()}
        unit = torch.tensor(unit, dtype=torch.float32)
        temperature = log_temperature.exp().detach()
        with torch.no_grad():
            a, log_prob = act(actor, d["next_obs"], d["next_noise"])
            y = d["reward"] + d["discount"] * (least(targets, d["next_obs"], a) - temperature * log_prob)
        both = torch.cat([d["obs"], unit], -1)
        loss = sum(0.5 * F.mse_loss(c(both).squeeze(-1), y) for c in critics)
        critic_adam.zero_grad()
        loss.backward()
        critic_adam.step()
        a, log_prob = act(actor, d["obs"], d["action_noise"])
        value = least(critics, d["obs"], a)
        actor_adam.zero_grad()
        (temperature * log_prob - value).mean().backward()
        actor_adam.step()
        temperature_adam.zero_grad()
        (-log_temperature * (log_prob.detach() + TARGET).mean()).backward()
        temperature_adam.step()
        with torch.no_grad():
            for target, critic in zip(targets, critics):
                for t, c in zip(target.parameters(), critic.parameters()):
                    t.lerp_(c, TAU)
        losses[update] += [loss.item() / CRITICS / AGENTS, value.mean().item() / AGENTS, -log_prob.mean().item() / AGENTS]
    state["final_theta"].append(flat(actor))
    state["final_critics"] += [flat(c) for c in critics]
    state["final_targets"] += [flat(t) for t in targets]
    state["final_log_temperature"].append([log_temperature.item()])

for name, parts in state.items():
    note(name, np.concatenate(parts))
for name, updates in rows.items():
    note(name, np.stack([np.stack(agents) for agents in updates]))
note("losses", losses)
print("[\n" + "\n".join(out) + "\n]")
