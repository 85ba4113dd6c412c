"""The 97.5 % quantiles of Student's distribution that src/stats.rs holds. Printed with scipy 1.17.1."""

import scipy
from scipy import stats

print("scipy", scipy.__version__)
for degrees in [*range(1, 22), 31, 99, 9_999]:
    print(degrees, float(stats.t.ppf(0.975, degrees)))
