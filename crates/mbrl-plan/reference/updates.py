"""One refit of each planner by numpy, over plans that the tests make as well.

    python3 crates/mbrl-plan/reference/updates.py > crates/mbrl-plan/reference/updates.in

Each line: what it is, then its numbers. The plans are 12 of 4 numbers, exact in single precision; scores are exact too and
all different. Needs numpy (the numbers here are of 2.4).
"""

import numpy as np

PLANS, WIDTH, ELITES, MOMENTUM = 12, 4, 5, 0.1
p, i = np.ogrid[:PLANS, :WIDTH]
plans = ((7 * p + 3 * i + p * p * i) % 23 - 11) / 16
scores = ((5 * np.arange(PLANS)) % 17) / 4
best = np.argsort(-scores, kind="stable")[:ELITES]
elites = plans[best]

out = {}


def blend(old, new):
    return MOMENTUM * old + (1 - MOMENTUM) * new


# The box is [-1, 1] x [-1, 3], for two steps: half widths 1, 2, 1, 2, middle 0, 1, 0, 1.
half, middle = np.array([1.0, 2.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.0, 1.0])

# handful-of-trials, cem.py: variance by the number of elites (np.var), momentum on mean and variance.
out["mean"] = blend(middle, elites.mean(axis=0))
out["variance"] = blend(half**2 / 4, elites.var(axis=0))
# mbrl-lib, clipped_normal: the deviation starts at half the width (1 there) and is what has momentum.
out["clipped_variance"] = blend(half, elites.std(axis=0)) ** 2

# The whole covariance, off-diagonal elements shrunk by a fifth, by columns.
covariance = np.cov(elites.T, bias=True)
shrunk = 0.8 * covariance + 0.2 * np.diag(np.diag(covariance))
full = blend(np.diag(half**2 / 4), shrunk)
out["covariance"] = full.ravel()
out["factor"] = np.linalg.cholesky(full).T.ravel()

# iCEM: momentum on mean and deviation, which starts at half of half the width.
out["deviation"] = blend(half / 2, elites.std(axis=0))

# mbrl-lib's MPPI: all plans, exp(gamma (score - max)).
weights = np.exp(0.9 * (scores - scores.max()))
out["path_integral"] = np.average(plans, axis=0, weights=weights)

# TD-MPC2: the elites, exp(temperature (score - max)); deviations between 0.3 and 2 times half the width.
weights = np.exp(0.5 * (scores[best] - scores.max()))
mean = np.average(elites, axis=0, weights=weights)
out["weights"] = weights / weights.sum()
out["weighted_mean"] = mean
out["weighted_deviation"] = np.clip(np.sqrt(np.average((elites - mean) ** 2, axis=0, weights=weights)), 0.3 * half, 2 * half)

# Choices of 3 at 4 steps: frequencies among the elites, momentum, then a share of the uniform distribution.
choices = (p * p + p * i + i) % 3
frequencies = np.array([np.bincount(choices[best][:, t], minlength=3) / ELITES for t in range(WIDTH)])
out["probabilities"] = (0.95 * blend(np.full((WIDTH, 3), 1 / 3), frequencies) + 0.05 / 3).ravel()

print("[" + ",\n ".join(f'("{name}", &{[float(x) for x in numbers]!r})' for name, numbers in out.items()) + "]")
