"""The numbers of `src/linear/tests/reference.rs`, from NumPy and SciPy.

    python3 crates/mbrl-models/reference/linear.py > crates/mbrl-models/src/linear/tests/reference.rs

and rustfmt after it. Made with SciPy 1.17.1 and NumPy 2.4.6. The posterior is computed by its textbook formula; marginal
likelihoods are those of multivariate t (normal) distributions of all targets at once, and predictive densities are ratios of two of them, so that
nothing of the recursion under test is used.
"""

import numpy as np
from scipy import stats

OBS, ACT, ROWS = 2, 1, 9
PRECISION, SHAPE, SCALE = 0.25, 1.5, 0.75
VARIANCE = np.array([0.5, 2.0, 0.125])

rng = np.random.default_rng(20)
# Multiples of 1/64 are exact in f32.
draw = lambda *shape: np.round(rng.normal(size=shape) * 64) / 64
obs, act, next_obs, reward = draw(ROWS, OBS), draw(ROWS, ACT), draw(ROWS, OBS), draw(ROWS)
X = np.hstack([obs, act, np.ones((ROWS, 1))])
Y = np.hstack([next_obs - obs, reward[:, None]])
x_new = np.array([0.5, -1.25, 2.0, 1.0])
y_new = np.array([0.25, -0.5, 1.0])

Lambda = PRECISION * np.eye(X.shape[1]) + X.T @ X
M = np.linalg.solve(Lambda, X.T @ Y)
a = SHAPE + ROWS / 2
b = SCALE + 0.5 * (np.sum(Y**2, axis=0) - np.sum(M * (Lambda @ M), axis=0))


def log_t(X, Y):
    shape = SCALE / SHAPE * (np.eye(len(X)) + X @ X.T / PRECISION)
    return [stats.multivariate_t.logpdf(y, np.zeros(len(X)), shape, df=2 * SHAPE) for y in Y.T]


def log_normal(X, Y):
    cov = np.eye(len(X)) + X @ X.T / PRECISION
    return [stats.multivariate_normal.logpdf(y, np.zeros(len(X)), v * cov) for y, v in zip(Y.T, VARIANCE)]


X_more, Y_more = np.vstack([X, x_new]), np.vstack([Y, y_new])
predictive = np.array(log_t(X_more, Y_more)) - np.array(log_t(X, Y))
predictive_known = np.array(log_normal(X_more, Y_more)) - np.array(log_normal(X, Y))


def rust(name, values, kind="f64", doc=""):
    values = [float(x) for x in np.ravel(values)]
    print(f"\n/// {doc}")
    print(f"pub(super) const {name}: [{kind}; {len(values)}] = [")
    for value in values:
        print(f"    {value!r},")
    print("];")


print("//! Written by `reference/linear.py`: change that.\n")
print("#![allow(clippy::excessive_precision, clippy::approx_constant)]")
rust("OBS", obs, "f32", "`[9, 2]`")
rust("ACT", act, "f32", "`[9, 1]`")
rust("NEXT_OBS", next_obs, "f32", "`[9, 2]`")
rust("REWARD", reward, "f32", "`[9]`")
rust("MEAN", M.T, doc="Of the weights, `[3, 4]`, under precision 0.25.")
rust("PRECISION", Lambda, doc="`[4, 4]`")
rust("NOISE_SCALE", b, doc="`[3]`, under shape 1.5 and scale 0.75.")
rust("LOG_MARGINAL", [sum(log_t(X, Y))], doc="Under the same.")
rust("LOG_MARGINAL_KNOWN", [sum(log_normal(X, Y))], doc="Under variances 0.5, 2 and 0.125.")
rust("LOG_PREDICTIVE", predictive, doc="The log density of 0.25, −0.5 and 1 after (0.5, −1.25) and 2.")
rust("LOG_PREDICTIVE_KNOWN", predictive_known, doc="The same, with variances known.")
assert abs(a - 6.0) < 1e-12
