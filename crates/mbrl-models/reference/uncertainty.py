"""The measures of uncertainty by numpy, over a table that the test `measure::tests::numpy_says_the_same` makes as well.

    python3 crates/mbrl-models/reference/uncertainty.py > crates/mbrl-models/reference/uncertainty.in

Each line: the measure, then its value for three rows over all members, then over the elites. Each formula is the line of
the code or of the paper that it is cited from, with the names changed. Needs numpy.
"""

import itertools

import numpy as np

MEMBERS, ROWS, DIM = 18, 3, 4  # the last column is the reward
m, r, c = np.ogrid[:MEMBERS, :ROWS, :DIM]
mean = ((7 * m + 3 * r + 5 * c + m * c) % 11) / 4 - 1
variance = ((3 * m + 5 * r + 2 * c) % 7 + 1) * (r + c + 2) / 8


def max_covariance_norm(mean, variance):
    covariance = np.array([[np.diag(v) for v in rows] for rows in variance])
    return np.linalg.norm(covariance, ord="fro", axis=(2, 3)).max(axis=0)


def max_pairwise_distance(mean, variance):
    pairs = itertools.combinations(range(len(mean)), 2)
    return np.max([np.linalg.norm(mean[i] - mean[j], axis=1) for i, j in pairs], axis=0)


def ensemble_variance(mean, variance):
    n = len(mean)
    total = variance.sum(0) / n + (mean**2).sum(0) / n - (mean.sum(0) / n) ** 2
    return total.sum(1)


def max_std_norm(mean, variance):
    # mopo/models/fake_env.py: np.amax(np.linalg.norm(ensemble_model_stds, axis=2), axis=0)
    return np.amax(np.linalg.norm(np.sqrt(variance), axis=2), axis=0)


def max_deviation(mean, variance):
    # offlinerlkit/dynamics/ensemble_dynamics.py, "pairwise-diff"
    next_obses_mean = mean[..., :-1]
    diff = next_obses_mean - np.mean(next_obses_mean, axis=0)
    return np.amax(np.linalg.norm(diff, axis=2), axis=0)


def ensemble_std(mean, variance):
    # offlinerlkit/dynamics/ensemble_dynamics.py, "ensemble_std"
    next_obses_mean = mean[..., :-1]
    return np.sqrt(next_obses_mean.var(0).mean(1))


elites = [4, 1, 16, 9, 2]
print("[")
for measure in (
    max_covariance_norm,
    max_pairwise_distance,
    ensemble_variance,
    max_std_norm,
    max_deviation,
    ensemble_std,
):
    name = "".join(part.capitalize() for part in measure.__name__.split("_"))
    rows = [[float(x) for x in measure(mean[who], variance[who])] for who in (slice(None), elites)]
    print(f"    (Uncertainty::{name}, {rows[0]}, {rows[1]}),")
print("]")
