"""The numbers of `src/tabular/tests/reference.rs`, from SciPy and from brute integration.

    python3 crates/mbrl-models/reference/tabular.py > crates/mbrl-models/src/tabular/tests/reference.rs

and rustfmt after it. Made with SciPy 1.17.1 and NumPy 2.4.6.
"""

import numpy as np
from scipy import special, stats
from scipy.integrate import dblquad

# (state, action, reward, successor) in a world of three states and two actions.
DATA = [
    (0, 0, 0.5, 1),
    (0, 0, 0.25, 1),
    (0, 0, 1.0, 2),
    (0, 1, -0.5, 0),
    (1, 0, 0.75, 2),
    (1, 0, 0.75, 2),
    (1, 0, -1.0, 2),
    (1, 0, 0.125, 0),
    (2, 1, 0.0, 2),
]
STATES, ACTIONS, ALPHA = 3, 2, 0.5
MEAN, COUNT, SHAPE, RATE = 0.25, 2.0, 1.5, 0.75
LOW, HIGH, A, B = -1.0, 1.0, 0.5, 1.5


def by_move():
    moves = {}
    for s, a, r, n in DATA:
        moves.setdefault((s, a), []).append((r, n))
    return moves


def transitions():
    # Chained posterior predictive probabilities of scipy's Dirichlet-multinomial with one trial.
    total = 0.0
    for rows in by_move().values():
        alpha = np.full(STATES, ALPHA)
        for _, n in rows:
            total += stats.dirichlet_multinomial.logpmf(np.eye(STATES, dtype=int)[n], alpha, 1)
            alpha[n] += 1
    return total


def normal_gamma_of(rows):
    # Chained Student-t predictive densities: nothing of the closed form of the marginal is used.
    total, (m, k, a, b) = 0.0, (MEAN, COUNT, SHAPE, RATE)
    for r, _ in rows:
        total += stats.t.logpdf(r, 2 * a, loc=m, scale=np.sqrt(b * (k + 1) / (a * k)))
        m, k, a, b = (k * m + r) / (k + 1), k + 1, a + 0.5, b + k * (r - m) ** 2 / (2 * (k + 1))
    return total, [float(x) for x in (m, k, a, b)]


def normal_gamma_by_integration():
    # One move by brute force, so that the chain itself is checked against its definition.
    rewards = np.array([r for r, _ in by_move()[(0, 0)]])

    def density(mean, precision):
        scale = 1 / np.sqrt(precision)
        return (
            np.prod(stats.norm.pdf(rewards, mean, scale))
            * stats.norm.pdf(mean, MEAN, scale / np.sqrt(COUNT))
            * stats.gamma.pdf(precision, SHAPE, scale=1 / RATE)
        )

    return np.log(dblquad(density, 1e-9, 60, -12, 12, epsabs=1e-13)[0])


def beta():
    total = 0.0
    for rows in by_move().values():
        scaled = (np.array([r for r, _ in rows]) - LOW) / (HIGH - LOW)
        s, n = scaled.sum(), len(rows)
        total += special.betaln(A + s, B + n - s) - special.betaln(A, B)
    return total


print("//! Written by `reference/tabular.py`: change that.\n")
print("#![allow(clippy::excessive_precision, clippy::approx_constant)]\n")
print("/// (x, ln Γ(x)).")
places = [1e-100, 1e-8, 0.1, 0.5, 1.0, 1.5, 2.0, 2.5, 3.7, 9.999, 10.0, 25.25, 1e3, 1e8]
print(f"pub(crate) const GAMMALN: [(f64, f64); {len(places)}] = [")
for x in places:
    print(f"    ({x!r}, {float(special.gammaln(x))!r}),")
print("];")
print("\n/// (state, action, reward, successor).")
print(f"pub(crate) const DATA: [(usize, usize, f32, usize); {len(DATA)}] = [")
for row in DATA:
    print(f"    {row!r},")
print("];")
normal_gamma = sum(normal_gamma_of(rows)[0] for rows in by_move().values())
brute = normal_gamma_by_integration()
assert abs(brute - normal_gamma_of(by_move()[(0, 0)])[0]) < 1e-5, brute
print("\n/// Under Dirichlet(½, ½, ½).")
print(f"pub(crate) const TRANSITIONS: f64 = {float(transitions())!r};")
print("\n/// Under mean 0.25, count 2, shape 1.5 and rate 0.75.")
print(f"pub(crate) const NORMAL_GAMMA: f64 = {float(normal_gamma)!r};")
print("\n/// Of state 1 and action 0: mean, count, shape and rate.")
print(f"pub(crate) const POSTERIOR: [f64; 4] = {normal_gamma_of(by_move()[(1, 0)])[1]!r};")
print("\n/// Between −1 and 1 under a = 0.5 and b = 1.5.")
print(f"pub(crate) const BETA: f64 = {float(beta())!r};")
