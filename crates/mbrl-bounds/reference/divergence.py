"""Distances between distributions by scipy: what the tests of `divergence` are held to.

    for part in discrete line full sets transport; do
        python3 crates/mbrl-bounds/reference/divergence.py $part > crates/mbrl-bounds/reference/divergence-$part.in
    done

Closed forms are not asked of the formulas that the code has, but of integrals, of scipy's matrix functions and of its linear
programs. Needs numpy 2.4 and scipy 1.17 (the numbers here are theirs).
"""

import sys

import numpy as np
from scipy.integrate import quad
from scipy.linalg import inv, sqrtm
from scipy.optimize import linprog
from scipy.spatial.distance import jensenshannon
from scipy.special import entr, rel_entr
from scipy.stats import norm, wasserstein_distance

rng = np.random.default_rng(3)


def masses(n, zeros):
    weights = rng.exponential(size=n) * (rng.uniform(size=n) >= zeros)
    weights[rng.integers(n)] += 0.1
    return weights / weights.sum()


def discrete():
    """p, q, then TV, KL, JS, H, the entropy of p."""
    pairs = [(masses(n, zeros), masses(n, 0.0)) for n in (2, 3, 7, 30) for zeros in (0.0, 0.4)]
    near = masses(6, 0.0)
    pairs.append((near, near + 1e-5 * np.array([1, -1, 1, -1, 2, -2])))
    for p, q in pairs:
        hellinger = np.sqrt(0.5 * ((np.sqrt(p) - np.sqrt(q)) ** 2).sum())
        tv, kl, js = 0.5 * np.abs(p - q).sum(), rel_entr(p, q).sum(), jensenshannon(p, q) ** 2
        yield p, q, [tv, kl, js, hellinger, entr(p).sum()]


def line():
    """Means and variances of p and q, then TV, KL, H^2, JS and W1 by quadrature."""
    for p_mean, p_std, q_mean, q_std in [
        (0.0, 1.0, 1.0, 1.0),
        (0.0, 1.0, 0.0, 2.0),
        (0.5, 1.0, -1.0, 2.5),
        (-1.0, 3.0, 0.5, 0.4),
        (0.0, 1.0, 4.0, 1.2),
        (2.0, 0.05, 2.2, 1.0),
        (0.0, 1.0, 0.001, 1.002),
        (0.0, 1.0, 0.03, 1.0001),
        (1.0, 2.0, 1.0, 2.02),
        (0.0, 1.0, 9.0, 2.0),
    ]:
        p, q = norm(p_mean, p_std), norm(q_mean, q_std)
        # Pieces narrow enough that nothing is missed, with a seam at the crossings of the densities or distribution functions.
        low = min(p_mean - 12 * p_std, q_mean - 12 * q_std)
        high = max(p_mean + 12 * p_std, q_mean + 12 * q_std)
        a = 1 / q_std**2 - 1 / p_std**2
        b = 2 * (p_mean / p_std**2 - q_mean / q_std**2)
        c = (q_mean / q_std) ** 2 - (p_mean / p_std) ** 2 + 2 * np.log(q_std / p_std)
        seams = list(np.roots([a, b, c] if a else [b, c]).real)
        if p_std != q_std:
            seams.append((p_mean * q_std - q_mean * p_std) / (q_std - p_std))
        width = min(p_std, q_std)
        knots = np.unique(np.clip(np.concatenate([np.arange(low, high, width), [high], seams]), low, high))

        def integral(f):
            return sum(quad(f, x, y, epsabs=1e-16, epsrel=1e-11)[0] for x, y in zip(knots, knots[1:]))

        def entropy_from_middle(x):
            f, g = p.pdf(x), q.pdf(x)
            return 0.5 * (rel_entr(f, 0.5 * (f + g)) + rel_entr(g, 0.5 * (f + g)))

        yield (
            [p_mean, p_std**2, q_mean, q_std**2],
            [
                integral(lambda x: 0.5 * abs(p.pdf(x) - q.pdf(x))),
                integral(lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x))),
                integral(lambda x: 0.5 * (np.sqrt(p.pdf(x)) - np.sqrt(q.pdf(x))) ** 2),
                integral(entropy_from_middle),
                integral(lambda x: abs(p.cdf(x) - q.cdf(x))),
            ],
        )


def full():
    """Means and covariances of p and q, then KL, H and W2."""
    for n in (1, 2, 3, 5):
        for _ in range(2):
            means = rng.normal(size=(2, n)).round(3)
            roots = rng.normal(size=(2, n, n))
            p, q = (np.array(root @ root.T + 0.1 * np.eye(n)) for root in roots)
            p, q, shift = p.round(6), q.round(6), means[1] - means[0]
            det = np.linalg.det
            kl = 0.5 * (np.trace(inv(q) @ p) - n + shift @ inv(q) @ shift + np.log(det(q) / det(p)))
            middle = 0.5 * (p + q)
            far = shift @ inv(middle) @ shift / 8 + 0.5 * np.log(det(middle) / np.sqrt(det(p) * det(q)))
            root = sqrtm(p)
            w2 = np.sqrt(shift @ shift + np.trace(p + q - 2 * sqrtm(root @ q @ root).real))
            yield means[0], p.ravel(), means[1], q.ravel(), [kl, np.sqrt(1 - np.exp(-far)), w2]


def sets():
    """Points and weights of p and of q, then W1."""
    for n, m in ((1, 1), (1, 5), (4, 4), (9, 6), (30, 40)):
        xs, ys = rng.normal(size=n).round(1), (2 * rng.normal(size=m) + 0.5).round(1)
        p, q = masses(n, 0.2), masses(m, 0.2)
        yield xs, p, ys, q, [wasserstein_distance(xs, ys, p, q), wasserstein_distance(xs, ys)]


def transport():
    """p, q, costs, then the least cost."""
    for n, m in ((1, 3), (2, 2), (3, 5), (6, 6), (12, 9)):
        for whole in (False, True):
            p, q = masses(n, 0.2), masses(m, 0.2)
            cost = rng.integers(-2, 5, size=(n, m)).astype(float) if whole else rng.normal(size=(n, m)).round(3)
            sums = np.vstack([np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))])
            # The last sum follows from the others.
            program = linprog(cost.ravel(), A_eq=sums[:-1], b_eq=np.concatenate([p, q])[:-1], method="highs")
            yield p, q, cost.ravel(), [program.fun]


def rust(value):
    if isinstance(value, tuple):
        return "[" + ", ".join(map(rust, value)) + "]"
    if isinstance(value, (list, np.ndarray)):
        return "&[" + ", ".join(map(rust, value)) + "]"
    return repr(float(value))


print("[" + ",\n ".join(rust(case) for case in globals()[sys.argv[1]]()) + "]")
