"""One action by CEM in an ensemble, as PETS plans (TS∞), in eager PyTorch without gradients.

The model is asked as in torch_forward.py: member by member in blocks of rows. Rows are dealt out to the members once, so that
nothing is gathered on the way.
"""

import peer
import problem

args = peer.arguments(
    members=7, inputs=5, hidden="200x4", outputs=8, rows=1_000, block=1_000, horizon=15, iterations=5, population=350
)
torch = peer.load_torch()
from torch.nn import functional as F

if args.check:
    problem.tiny(args)
    args.population, args.horizon, args.iterations = 20, 3, 1
ensemble, _ = problem.forward(args)
members = [
    [(torch.from_numpy(weight[n]).t().contiguous(), torch.from_numpy(bias[n, 0])) for weight, bias in ensemble]
    for n in range(args.members)
]
obs = args.inputs - 1
top, bottom = torch.full((obs,), 0.5), torch.full((obs,), -10.0)
elites = args.population // 10
# Row r of all members' follows plan r mod population.
total = args.members * args.rows
plan_of = torch.arange(total) % args.population


def outputs(layers, x):
    for weight, bias in layers[:-1]:
        x = F.silu(F.linear(x, weight, bias), inplace=True)
    return F.linear(x, *layers[-1])


def step(state, act):
    x = torch.cat((state, act), 1).view(args.members, args.rows, args.inputs)
    out = torch.empty(args.members, args.rows, args.outputs)
    for layers, rows, results in zip(members, x, out):
        for block, y in zip(rows.split(args.block), results.split(args.block)):
            y.copy_(outputs(layers, block))
    mean, log_var = out.view(total, args.outputs).chunk(2, 1)
    log_var = top - F.softplus(top - log_var)
    log_var = bottom + F.softplus(log_var - bottom)
    return state + mean + torch.exp(0.5 * log_var) * torch.randn(total, obs)


@torch.inference_mode()
def operation():
    mean, var = torch.zeros(args.horizon), torch.full((args.horizon,), 0.25)
    for _ in range(args.iterations):
        deviation = torch.minimum(torch.minimum(((mean + 1) / 2) ** 2, ((1 - mean) / 2) ** 2), var).sqrt()
        noise = torch.nn.init.trunc_normal_(torch.empty(args.population, args.horizon), a=-2.0, b=2.0)
        plans = mean + deviation * noise
        state, sums = torch.zeros(total, obs), torch.zeros(total)
        for t in range(args.horizon):
            state = step(state, plans[plan_of, t, None])
            sums += 1 - state[:, 0].abs()
        scores = torch.zeros(args.population).index_add_(0, plan_of, sums)
        best = plans[scores.topk(elites).indices]
        mean = 0.1 * mean + 0.9 * best.mean(0)
        var = 0.1 * var + 0.9 * best.var(0, unbiased=False)
    return mean


if args.check:
    print(*(f"{value:.6f}" for value in operation().abs()))
else:
    peer.serve(operation)
