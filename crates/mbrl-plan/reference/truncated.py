"""The quantile function of a standard normal truncated at two deviations: coefficients, and scipy's values to hold them to.

    python3 crates/mbrl-plan/reference/truncated.py > crates/mbrl-plan/reference/truncated.in

The lines written are pairs (probability, quantile) of scipy.stats.truncnorm(-2, 2). The coefficients of `src/truncated.rs`
go to standard error: z = q P(t) / Q(t) with q = p - 1/2 and t = p (1 - p), in which none is negative; fitted to the relative
error at Chebyshev's nodes by linear least squares, reweighted by the last denominator. Needs numpy 2.4 and scipy 1.17 (the
numbers here are theirs).
"""

import sys

import numpy as np
from scipy.stats import truncnorm

TRUNCATED = truncnorm(-2.0, 2.0)
PROBABILITIES = [1e-7, 1e-4, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.45, 0.49, 0.4999, 0.55, 0.7, 0.9, 0.99, 0.9999]


def fit(above, below, nodes=2000):
    q = 0.25 * (1 - np.cos(np.pi * (np.arange(nodes) + 0.5) / nodes))
    target = TRUNCATED.ppf(0.5 + q) / q
    t, weight = 0.25 - q * q, np.ones(nodes)
    for _ in range(50):
        # P - target (Q - 1) = target, each line divided by the target and by the last Q.
        lines = np.hstack([t[:, None] ** np.arange(above + 1), -target[:, None] * t[:, None] ** np.arange(1, below + 1)])
        scale = weight / target
        solution = np.linalg.lstsq(lines * scale[:, None], target * scale, rcond=None)[0]
        p, denominator = solution[: above + 1], np.concatenate([[1.0], solution[above + 1 :]])
        weight = 1 / np.polyval(denominator[::-1], t)
    error = np.polyval(p[::-1], t) * weight / target - 1
    return p, denominator, np.abs(error).max()


p, q, error = fit(4, 4)
print(f"P: {p.tolist()}\nQ: {q.tolist()}\nlargest relative error: {error:.1e}", file=sys.stderr)
print("[" + ",\n ".join(f"({x!r}, {float(TRUNCATED.ppf(x))!r})" for x in PROBABILITIES) + "]")
