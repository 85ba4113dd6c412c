"""Coloured noise by the package `colorednoise`: what `src/colored.rs` is held to.

    python3 crates/mbrl-plan/reference/colored.py > crates/mbrl-plan/reference/colored.in

The package is asked for its linear map itself, by a generator that hands out unit vectors. Its map times the map's transpose
is circulant, so its first row says all. Each line: exponent, length, the variance that the package gives (which it means
to be 1, but the lowest frequency, added at frequency 0 too, is not in its normalisation), and the correlations at lags 0, 1, ...
Needs colorednoise 2.2.0 and numpy 2.4.
"""

import colorednoise
import numpy as np


class Units(np.random.RandomState):
    """Answers the package's two questions (real parts, then imaginary parts) with one unit vector after another."""

    def normal(self, scale, size):
        half = size[-1]
        eye = np.eye(2 * half)
        part = eye[:, :half] if not hasattr(self, "asked") else eye[:, half:]
        self.asked = True
        return part * np.asarray(scale).reshape(1, half)


def covariance(exponent, length):
    half = length // 2 + 1
    columns = colorednoise.powerlaw_psd_gaussian(exponent, (2 * half, length), random_state=Units(0))
    return columns.T @ columns


lines = []
for exponent in [0.0, 0.5, 1.0, 2.0, 3.5]:
    for length in [2, 3, 5, 10, 15, 30]:
        matrix = covariance(exponent, length)
        row = matrix[0]
        for t in range(length):
            assert np.allclose(np.roll(row, t), matrix[t], atol=1e-12)
        correlations = [round(float(c), 15) for c in row / row[0]]
        lines.append(f"({exponent!r}, {length}, {float(row[0])!r}, &{correlations!r})")
print("[" + ",\n ".join(lines) + "]")
