"""Makes the golden JSON files in ../golden from PyTorch in float64.

    python -m venv venv
    venv/bin/pip install torch
    venv/bin/python torch_reference.py

Inputs (parameters, observations, noise, weights of the loss) are whole numbers of
1/128, written as those whole numbers, so that they are exact in float32 and short.
What PyTorch made of them is written with seven digits. Nothing here calls our code:
layers are written with torch.nn.functional, losses and log-probabilities with
torch.distributions, gradients are autograd's, Jacobian-vector products are those of
torch.func, Adam, AdamW and the clip of gradients are torch.optim's and torch.nn's.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.distributions import Normal
from torch.distributions.transforms import TanhTransform

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
UNIT = 128
torch.set_default_dtype(torch.float64)
ACTIVATIONS = {"relu": F.relu, "silu": F.silu, "tanh": torch.tanh, "elu": F.elu}


def draw(generator, *shape, scale=1.0, shift=0.0):
    """Normal numbers, rounded to whole numbers of 1/128."""
    x = torch.randn(*shape, generator=generator) * scale + shift
    return torch.round(x * UNIT) / UNIT


def whole(x):
    return [round(v) for v in (x * UNIT).flatten().tolist()]


def digits(x):
    return [float(f"{v:.7g}") for v in torch.as_tensor(x).flatten().tolist()]


def write(name, cases):
    head = {"torch": torch.__version__.split("+")[0], "unit": UNIT}
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    text = json.dumps(head)[:-1] + ', "cases": [\n' + lines + "\n]}\n"
    (GOLDEN / f"{name}.json").write_text(text)


def apply(form, theta, x):
    """One member: weight [in, out], bias, and gain and shift where there is layer norm, layer after layer."""
    widths = [form["input"], *form["hidden"], form["output"]]
    at = 0

    def take(*shape):
        nonlocal at
        at += math.prod(shape)
        return theta[at - math.prod(shape) : at].reshape(shape)

    for i, (fan_in, fan_out) in enumerate(zip(widths, widths[1:])):
        weight, bias = take(fan_in, fan_out), take(fan_out)
        x = F.linear(x, weight.T, bias)
        if i < len(form["hidden"]):
            if form["norm"] == "layer":
                gain, shift = take(fan_out), take(fan_out)
                x = F.layer_norm(x, (fan_out,), gain, shift, eps=1e-5)
            x = ACTIVATIONS[form["activation"]](x)
    assert at == len(theta)
    return x


def parameters(generator, form, members):
    widths = [form["input"], *form["hidden"], form["output"]]
    parts = []
    for _ in range(members):
        for i, (fan_in, fan_out) in enumerate(zip(widths, widths[1:])):
            parts.append(draw(generator, fan_in * fan_out, scale=fan_in**-0.5))
            parts.append(draw(generator, fan_out, scale=0.5))
            if form["norm"] == "layer" and i < len(form["hidden"]):
                parts.append(draw(generator, fan_out, scale=0.3, shift=1.0))
                parts.append(draw(generator, fan_out, scale=0.5))
    return torch.cat(parts).reshape(members, -1)


def networks():
    shapes = [(4, [6, 5], 2, a, n, 2, 1, 3) for a in ACTIVATIONS for n in ("none", "layer")]
    shapes += [
        (3, [], 2, "relu", "none", 2, 1, 5),
        (3, [9], 1, "silu", "none", 4, 2, 6),
        (2, [5], 2, "tanh", "layer", 3, 3, 2),
        (6, [33], 5, "elu", "layer", 1, 1, 3),
        (17, [18, 3], 1, "relu", "none", 1, 1, 2),
    ]
    cases = []
    for seed, (inputs, hidden, outputs, activation, norm, members, groups, rows) in enumerate(shapes):
        generator = torch.Generator().manual_seed(seed)
        form = dict(input=inputs, hidden=hidden, output=outputs, activation=activation, norm=norm)
        theta = parameters(generator, form, members)
        x = draw(generator, groups, rows, inputs)
        weight = draw(generator, members, rows, outputs)
        dtheta, dx = draw(generator, *theta.shape, scale=0.5), draw(generator, *x.shape)

        def forward(theta, x):
            # Members fall to groups in turn.
            share = members // groups
            return torch.stack([apply(form, theta[m], x[m // share]) for m in range(members)])

        y, jvp = torch.func.jvp(forward, (theta, x), (dtheta, dx))
        theta.requires_grad_()
        x.requires_grad_()
        (forward(theta, x) * weight).sum().backward()
        cases.append(
            dict(
                net=form,
                rows=rows,
                theta=whole(theta.detach()),
                x=whole(x.detach()),
                dy=whole(weight),
                along_theta=whole(dtheta),
                along_x=whole(dx),
                y=digits(y.detach()),
                gradient_theta=digits(theta.grad),
                gradient_x=digits(x.grad),
                jvp=digits(jvp.detach()),
            )
        )
    write("networks", cases)


def gaussian():
    """Means and log-variances within learnt bounds; the loss of PETS without its term for the bounds, and its gradient
    weighed as by Seitzer et al. 2022."""
    cases = []
    for seed, (rows, dim, beta) in enumerate(
        [(4, 3, 0.0), (3, 17, 0.0), (1, 1, 0.0), (4, 3, 0.5), (3, 17, 0.5), (2, 2, 1.0)]
    ):
        generator = torch.Generator().manual_seed(100 + seed)
        y = draw(generator, rows, 2 * dim, scale=2.0)
        target = draw(generator, rows, dim)
        high = draw(generator, dim, scale=0.3, shift=0.5)
        low = draw(generator, dim, scale=0.5, shift=-3.0)
        for leaf in (y, high, low):
            leaf.requires_grad_()
        mean, lv = y[:, :dim], y[:, dim:]
        lv = high - F.softplus(high - lv)
        lv = low + F.softplus(lv - low)
        each = (mean - target) ** 2 * torch.exp(-lv) + lv
        loss = each.mean()
        (each * lv.exp().detach() ** beta).mean().backward()
        cases.append(
            dict(
                dim=dim,
                beta=beta,
                y=whole(y.detach()),
                target=whole(target),
                bounds=whole(torch.cat([high, low]).detach()),
                loss=digits(loss.detach()),
                mse=digits(((mean - target) ** 2).mean().detach()),
                variance=digits(lv.exp().detach()),
                dy=digits(y.grad),
                dbounds=digits(torch.cat([high.grad, low.grad])),
            )
        )
    write("gaussian", cases)


def squashed():
    """The actor of SAC: torch.distributions' Normal and TanhTransform."""
    cases = []
    # Bounds that no number falls on: there PyTorch and TensorFlow differ about the gradient.
    kinds = [
        dict(clamped=dict(low=-20.0, high=2.0)),
        dict(clamped=dict(low=-1.003, high=0.503)),
        dict(soft=dict(low=-5.0, high=2.0)),
    ]
    for seed, (kind, units, rows, dim) in enumerate(
        [(k, u, r, d) for k in kinds for u, r, d in [("tanh", 4, 2), ("environment", 2, 17)]]
    ):
        generator = torch.Generator().manual_seed(200 + seed)
        y, noise = draw(generator, rows, 2 * dim), draw(generator, rows, dim)
        low = draw(generator, dim, shift=-2.0)
        high = low + draw(generator, dim, shift=2.0).abs() + 0.5
        d_action, d_log_prob = draw(generator, rows, dim), draw(generator, rows)
        y.requires_grad_()
        mean, raw = y[:, :dim], y[:, dim:]
        ((name, bound),) = kind.items()
        if name == "clamped":
            log_std = torch.clamp(raw, bound["low"], bound["high"])
        else:
            log_std = bound["low"] + 0.5 * (bound["high"] - bound["low"]) * (torch.tanh(raw) + 1)
        scale, center = (high - low) / 2, (high + low) / 2
        u = mean + log_std.exp() * noise
        tanh = TanhTransform()
        log_prob = Normal(mean, log_std.exp()).log_prob(u) - tanh.log_abs_det_jacobian(u, tanh(u))
        if units == "environment":
            log_prob = log_prob - scale.log()
        log_prob = log_prob.sum(-1)
        action = center + scale * tanh(u)
        # A log-probability of actions from elsewhere, for behaviour cloning, and its gradient.
        share = torch.rand(rows, dim, generator=generator) * 0.96 + 0.02
        other = torch.round((low + (high - low) * share) * UNIT) / UNIT
        v = torch.atanh((other - center) / scale)
        cloned = Normal(mean, log_std.exp()).log_prob(v) - tanh.log_abs_det_jacobian(v, tanh(v))
        if units == "environment":
            cloned = cloned - scale.log()
        cloned = cloned.sum(-1)
        (d_cloned,) = torch.autograd.grad((cloned * d_log_prob).sum(), y, retain_graph=True)
        ((action * d_action).sum() + (log_prob * d_log_prob).sum()).backward()
        cases.append(
            dict(
                log_std=kind,
                units=units,
                low=whole(low),
                high=whole(high),
                y=whole(y.detach()),
                noise=whole(noise),
                d_action=whole(d_action),
                d_log_prob=whole(d_log_prob),
                action=digits(action.detach()),
                mean=digits((center + scale * torch.tanh(mean)).detach()),
                log_prob=digits(log_prob.detach()),
                dy=digits(y.grad),
                other=whole(other),
                cloned=digits(cloned.detach()),
                d_cloned=digits(d_cloned),
            )
        )
    write("squashed", cases)


def gradient(step, i):
    """The fixed sequence of gradients, by whole numbers alone: the test computes it again."""
    return ((step * 7919 + i * 104729 + step * step * 31) % 2003 - 1000) / 1024


def optimizer():
    """Two members of 12 parameters; layers 0..5 and 7..10 decay, what is between does not."""
    cases = []
    members, params = 2, 12
    settings = [
        ("penalty", torch.optim.Adam, dict(lr=1e-3), [0.0, 0.0]),
        ("penalty", torch.optim.Adam, dict(lr=1e-2, betas=(0.8, 0.99), eps=1e-5), [0.025, 0.1]),
        ("decoupled", torch.optim.AdamW, dict(lr=1e-2), [0.5, 0.05]),
    ]
    for seed, (mode, kind, config, rates) in enumerate(settings):
        generator = torch.Generator().manual_seed(300 + seed)
        start = draw(generator, members, params)
        layers = [(0, 5, rates[0]), (5, 7, 0.0), (7, 10, rates[1]), (10, 12, 0.0)]
        leaves = [start[m, a:b].clone().requires_grad_() for m in range(members) for a, b, _ in layers]
        decays = [rate for _ in range(members) for _, _, rate in layers]
        groups = [dict(params=[leaf], weight_decay=rate) for leaf, rate in zip(leaves, decays)]
        optim = kind(groups, **config)
        after = {}
        for step in range(1, 101):
            at = 0
            for leaf in leaves:
                leaf.grad = torch.tensor([gradient(step, at + i) for i in range(len(leaf))])
                at += len(leaf)
            optim.step()
            if step in (1, 2, 10, 100):
                after[step] = digits(torch.cat(leaves).detach())
        beta1, beta2 = config.get("betas", (0.9, 0.999))
        config = dict(lr=config["lr"], beta1=beta1, beta2=beta2, eps=config.get("eps", 1e-8), decay=mode)
        cases.append(dict(config=config, rates=rates, theta=whole(start), after=after))
    write("optimizer", cases)


def clip():
    cases = []
    for seed, (count, bound) in enumerate([(5, 1.0), (40, 0.5), (40, 100.0), (1, 0.125)]):
        x = draw(torch.Generator().manual_seed(400 + seed), count)
        leaf = torch.zeros(count, requires_grad=True)
        leaf.grad = x.clone()
        norm = torch.nn.utils.clip_grad_norm_([leaf], bound)
        cases.append(dict(max=bound, gradient=whole(x), norm=digits(norm), clipped=digits(leaf.grad)))
    write("clip", cases)


GOLDEN.mkdir(exist_ok=True)
networks()
gaussian()
squashed()
optimizer()
clip()
