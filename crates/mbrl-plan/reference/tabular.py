"""The numbers of `src/tabular/reference.rs`, from NumPy and SciPy, by other ways than the crate's.

    python3 crates/mbrl-plan/reference/tabular.py > crates/mbrl-plan/src/tabular/reference.rs

and rustfmt after it. Made with NumPy 2.4.6 and SciPy 1.17.1. The optimum is a linear program, variances are second moments
less squared means, occupancies are sums of matrix powers.
"""

import numpy as np
from scipy.optimize import linprog

S, A, DISCOUNT, STEPS = 4, 2, 0.9, 5
TERMINAL = 3

# Whole numbers that are as good as random; the last state is terminal.
i = np.arange(S * A * S)
P = ((i * 7 + 3) % 11 + 1.0).reshape(S, A, S)
P /= P.sum(axis=2, keepdims=True)
R = (((i * 5 + 2) % 13 - 6.0) / 4).reshape(S, A, S)
PI = (np.arange(S * A) * 3 % 5 + 1.0).reshape(S, A)
PI /= PI.sum(axis=1, keepdims=True)
START = np.array([0.5, 0.25, 0.25, 0.0])


def until_the_end(p):
    """A chain without its terminal state, which is worth nothing."""
    p = p.copy()
    p[TERMINAL] = 0
    p[..., TERMINAL] = 0
    return p


def first_moments():
    live = until_the_end(np.einsum("sa,sat->st", PI, P))
    reward = np.einsum("sa,sat,sat->s", PI, P, R)
    reward[TERMINAL] = 0
    return live, reward


def moments():
    live, reward = first_moments()
    mean = np.linalg.solve(np.eye(S) - DISCOUNT * live, reward)
    second = np.einsum("sa,sat,sat->s", PI, P, R**2 + 2 * DISCOUNT * R * mean)
    second[TERMINAL] = 0
    second = np.linalg.solve(np.eye(S) - DISCOUNT**2 * live, second)
    return mean, second - mean**2


def finite_moments():
    live, reward = first_moments()
    mean, second = np.zeros(S), np.zeros(S)
    for _ in range(STEPS):
        cross = np.einsum("sa,sat,sat->s", PI, P, R**2 + 2 * DISCOUNT * R * mean)
        cross[TERMINAL] = 0
        second = cross + DISCOUNT**2 * live @ second
        mean = reward + DISCOUNT * live @ mean
    return mean, second - mean**2


def occupancy():
    live, _ = first_moments()
    here, rho = START.copy(), np.zeros(S)
    for t in range(2000):
        rho += (1 - DISCOUNT) * DISCOUNT**t * here
        here = here @ live
    return rho


def optimum():
    alive = [s for s in range(S) if s != TERMINAL]
    rows, bounds = [], []
    for s in alive:
        for a in range(A):
            p = until_the_end(P)[s, a]
            rows.append([DISCOUNT * p[t] - (s == t) for t in alive])
            bounds.append(-(P[s, a] @ R[s, a]))
    found = linprog(np.ones(len(alive)), A_ub=rows, b_ub=bounds, bounds=(None, None), method="highs")
    value = np.zeros(S)
    value[alive] = found.x
    return value


def write(name, what, values):
    numbers = ", ".join(repr(float(v)) for v in np.ravel(values))
    print(f"/// {what}\npub(super) const {name}: [f64; {np.size(values)}] = [{numbers}];\n")


print("//! Numbers made by `reference/tabular.py`: an MDP, a policy in it, and what NumPy and SciPy say of them.\n")
print(f"pub(super) const DISCOUNT: f64 = {DISCOUNT};\npub(super) const STEPS: usize = {STEPS};\n")
write("TRANSITION", "`[4, 2, 4]`; the last state is terminal.", P)
write("REWARD", "`[4, 2, 4]`", R)
write("POLICY", "`[4, 2]`", PI)
write("START", "`[4]`", START)
write("OPTIMUM", "By linear programming, to its tolerance of 1e-7.", optimum())
write("MEAN", "To the end of the episode.", moments()[0])
write("VARIANCE", "To the end of the episode.", moments()[1])
write("FINITE_MEAN", "Over the steps.", finite_moments()[0])
write("FINITE_VARIANCE", "Over the steps.", finite_moments()[1])
write("OCCUPANCY", "Of the states.", occupancy())
