"""The numbers that welch.rs is held to. Printed with scipy 1.17.1."""

import scipy
from scipy import stats

print("scipy", scipy.__version__)
for degrees in [1.0, 2.5, 4.75, 7.0, 11.3, 14.0, 200.5]:
    print(degrees, float(stats.t.ppf(0.975, degrees)))
for a, b in [
    ([3.0, 4.0, 5.5, 8.0], [1.0, 1.5, 1.25]),
    ([-150.0, -148.5, -163.0, -120.0, -190.0], [-149.0, -151.0, -150.5, -152.0, -147.0, -148.0]),
]:
    low, high = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    print(float(low), float(high))
