"""The outputs of an ensemble for many rows each in eager PyTorch, without gradients.

Layer by layer for all rows would fetch every number from memory; member by member in blocks of rows stays in the cache.
"""

import peer
import problem

args = peer.arguments(members=7, inputs=23, hidden="200x4", outputs=36, rows=10_000, block=2_000)
torch = peer.load_torch()
from torch.nn import functional as F

if args.check:
    problem.tiny(args)
ensemble, inputs = problem.forward(args)
# As `nn.Linear` keeps them: weights [out, in], biases [out].
members = [
    [(torch.from_numpy(weight[n]).t().contiguous(), torch.from_numpy(bias[n, 0])) for weight, bias in ensemble]
    for n in range(args.members)
]
inputs = torch.from_numpy(inputs)


@torch.inference_mode()
def operation():
    out = torch.empty(args.members, args.rows, args.outputs)
    for layers, rows, results in zip(members, inputs, out):
        for x, y in zip(rows.split(args.block), results.split(args.block)):
            for weight, bias in layers[:-1]:
                x = F.silu(F.linear(x, weight, bias), inplace=True)
            y.copy_(F.linear(x, *layers[-1]))
    return out


if args.check:
    print(*(f"{value:.6f}" for value in operation().abs().mean((1, 2))))
else:
    peer.serve(operation)
