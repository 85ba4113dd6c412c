"""What the diagnostics' tests are held against, by numpy and SciPy.

    python3 crates/mbrl-models/reference/diagnostics.py

writes `normal_cdf.in`, `one_step.in`, `log_likelihood.in`, `calibration.in` and `rank_correlation.in` beside itself. The
data are those of `diagnostics::fake::recorded`, the model that of `diagnostics::fake::four_members`; all their numbers
are exact in single precision. Needs numpy and SciPy.
"""

import itertools
import pathlib

import numpy as np
from scipy import special, stats

HERE = pathlib.Path(__file__).parent
rows = (3 * np.arange(1500)) % 1700


def number(times, of, modulus, c=0):
    return ((times * rows + of * c) % modulus) / 8 - 1


obs = np.stack([number(5, 3, 13, c) for c in range(2)], axis=1)
act = number(3, 0, 5)
target = np.stack([number(7, 2, 17, 0), number(7, 2, 17, 1), number(11, 0, 9)], axis=1)

# gain, shift, sigma, growth
members = [(0.5, 0.25, 0.5, 0.5), (0.75, -0.125, 0.25, 1.0), (0.25, 0.0, 1.0, 0.25), (0.5, -0.25, 0.75, 0.0)]
mean, std = [], []
for gain, shift, sigma, growth in members:
    width = 1 + growth * (np.abs(obs[:, 0]) + np.abs(act))
    s = np.stack([obs[:, 0], obs[:, 1], obs[:, 0]], axis=1)
    mean.append(gain * s + act[:, None] + shift * width[:, None] * np.arange(1, 4))
    std.append(np.repeat(sigma * width[:, None], 3, axis=1))
mean, std = np.array(mean), np.array(std)
assert (mean.astype(np.float32) == mean).all() and ((std**2).astype(np.float32) == std**2).all()
average = mean.mean(0)


def write(name, value):
    def text(x):
        if isinstance(x, tuple):
            return "(" + ", ".join(map(text, x)) + ")"
        if isinstance(x, (list, np.ndarray)):
            return "[" + ",\n".join(map(text, x)) + "]"
        return repr(float(x))

    (HERE / f"{name}.in").write_text(text(value) + "\n")


z = [-37.5, -20.0, -8.0, -5.0, -2.5, -1.0, -0.1, 0.0, 1e-9, 0.3, 1.0, 1.959963984540054, 3.0, 6.0, 9.0]
write("normal_cdf", [(x, stats.norm.cdf(x)) for x in z])

errors = [forecast - target for forecast in (*mean, average)]
write(
    "one_step",
    [[(e**2).mean(0), np.abs(e).mean(0), 1 - (e**2).mean(0) / target.var(0)] for e in errors],
)

log_density = stats.norm.logpdf(target, mean, std).sum(2)
mixture = special.logsumexp(log_density, axis=0) - np.log(len(members))
write("log_likelihood", (log_density.mean(1), mixture.mean()))

levels = np.arange(1, 20) / 20
u = stats.norm.cdf(target, mean, std).mean(0)
# Not one is so near to a level that rounding could decide; u is exactly ½ where all members foretell what came.
for near in (abs(u[:, :, None] - levels), abs(abs(2 * u - 1)[:, :, None] - levels)):
    assert near[near > 0].min() > 1e-9
curves = [
    [(abs(2 * u[:, c, None] - 1) <= levels).mean(0), (u[:, c, None] <= levels).mean(0)] for c in range(3)
]
sharpness = np.sqrt((std**2).mean(0) + mean.var(0)).mean(0)
write("calibration", (curves, sharpness))

state = mean[:, :, :2]
penalties = [
    np.linalg.norm(std**2, axis=2).max(0),
    np.max([np.linalg.norm(mean[i] - mean[j], axis=1) for i, j in itertools.combinations(range(4), 2)], axis=0),
    ((std**2).mean(0) + mean.var(0)).sum(1),
    np.linalg.norm(std, axis=2).max(0),
    np.linalg.norm(state - state.mean(0), axis=2).max(0),
    np.sqrt(state.var(0).mean(1)),
]


def spearman(penalty, error):
    # In single precision, as the measures are.
    rho = stats.spearmanr(penalty.astype(np.float32), error).statistic
    width = stats.norm.ppf(0.975) * np.sqrt((1 + rho**2 / 2) / (len(error) - 3))
    return [rho, np.tanh(np.arctanh(rho) - width), np.tanh(np.arctanh(rho) + width)]


off = [np.linalg.norm((average - target)[:, :columns], axis=1) for columns in (2, 3)]
write("rank_correlation", [[spearman(penalty, error) for error in off] for penalty in penalties])
