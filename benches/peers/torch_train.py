"""A training step of an ensemble of Gaussian networks in eager PyTorch: gather, loss, gradient, fused Adam."""

import peer
import problem

args = peer.arguments(members=7, inputs=23, hidden="200x4", outputs=36, batch=256)
torch = peer.load_torch()
from torch.nn import functional as F

if args.check:
    problem.tiny(args)
ensemble, table, rows = problem.training(args)
table = torch.from_numpy(table)
rows = [torch.from_numpy(set).long().flatten() for set in rows]
decays = problem.decays(len(ensemble))
weights = [torch.from_numpy(weight).requires_grad_() for weight, _ in ensemble]
biases = [torch.from_numpy(bias).requires_grad_() for _, bias in ensemble]
dims = args.outputs // 2
max_log_var = torch.full((dims,), 0.5, requires_grad=True)
min_log_var = torch.full((dims,), -10.0, requires_grad=True)
adam = torch.optim.Adam([*weights, *biases, max_log_var, min_log_var], lr=1e-3, fused=True)
turn = 0


def step():
    global turn
    turn = (turn + 1) % problem.SETS
    batch = table.index_select(0, rows[turn]).view(args.members, args.batch, -1)
    x, y = batch[..., : args.inputs], batch[..., args.inputs :]
    for weight, bias in zip(weights[:-1], biases[:-1]):
        x = F.silu(torch.baddbmm(bias, x, weight))
    out = torch.baddbmm(biases[-1], x, weights[-1])
    mean, log_var = out[..., :dims], out[..., dims:]
    log_var = max_log_var - F.softplus(max_log_var - log_var)
    log_var = min_log_var + F.softplus(log_var - min_log_var)
    error = mean - y
    loss = (error * error * torch.exp(-log_var) + log_var).sum() / (args.batch * dims)
    loss = loss + 0.01 * (max_log_var - min_log_var).sum()
    adam.zero_grad()
    loss.backward()
    with torch.no_grad():  # what `decay / 2 * sum of squares` in the loss would add
        for weight, decay in zip(weights, decays):
            weight.grad.add_(weight, alpha=decay)
    adam.step()
    return loss


if args.check:
    print(*(f"{step().item():.6f}" for _ in range(problem.CHECK_STEPS)))
else:
    peer.serve(step)
