//! Written by `reference/tabular.py`: change that.

#![allow(clippy::excessive_precision, clippy::approx_constant)]

/// (x, ln Γ(x)).
pub(crate) const GAMMALN: [(f64, f64); 14] = [
    (1e-100, 230.25850929940458),
    (1e-08, 18.42068073818021),
    (0.1, 2.252712651734206),
    (0.5, 0.5723649429247),
    (1.0, 0.0),
    (1.5, -0.12078223763524526),
    (2.0, 0.0),
    (2.5, 0.2846828704729192),
    (3.7, 1.428072326665388),
    (9.999, 12.799575780077413),
    (10.0, 12.801827480081469),
    (25.25, 55.58568604486943),
    (1000.0, 5905.220423209181),
    (100000000.0, 1742068066.1038349),
];

/// (state, action, reward, successor).
pub(crate) const DATA: [(usize, usize, f32, usize); 9] = [
    (0, 0, 0.5, 1),
    (0, 0, 0.25, 1),
    (0, 0, 1.0, 2),
    (0, 1, -0.5, 0),
    (1, 0, 0.75, 2),
    (1, 0, 0.75, 2),
    (1, 0, -1.0, 2),
    (1, 0, 0.125, 0),
    (2, 1, 0.0, 2),
];

/// Under Dirichlet(½, ½, ½).
pub(crate) const TRANSITIONS: f64 = -9.895707365217165;

/// Under mean 0.25, count 2, shape 1.5 and rate 0.75.
pub(crate) const NORMAL_GAMMA: f64 = -10.280819151870826;

/// Of state 1 and action 0: mean, count, shape and rate.
pub(crate) const POSTERIOR: [f64; 4] = [0.1875, 6.0, 3.5, 1.77734375];

/// Between −1 and 1 under a = 0.5 and b = 1.5.
pub(crate) const BETA: f64 = -8.791131226292189;
