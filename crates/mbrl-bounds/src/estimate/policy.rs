//! ε_π: how far two policies are from each other.

use super::predicted::{Draws, TvByDraws, check_shape};
use super::{Estimate, GaussianRows};
use crate::check;
use crate::divergence::discrete;
use crate::divergence::gaussian::Gaussian;
use crate::divergence::inequalities::pinsker;
use mbrl_core::{Error, Result, Rows};

/// How far a policy is from the one that collected data, in states that were drawn independently.
///
/// ε_π of the theorems is the largest total variation in *any* state. Data shows the largest of those that were seen, and
/// how seldom it is exceeded: see [`beyond`](PolicyShift::beyond).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolicyShift {
    /// The mean total variation.
    pub mean_tv: Estimate,
    /// What the largest total variation of a state lies between. The two are the same where there is a closed form: of
    /// categorical policies, and of Gaussians that differ in their means or in one column alone.
    pub max_tv: [f64; 2],
    /// The largest KL(π ‖ π_D) of a state.
    pub max_kl: f64,
    /// √(max_kl / 2), at most 1: Pinsker's bound on the total variation in all states that were seen.
    pub pinsker: f64,
    /// With the stated confidence, at most this share of states exceeds a maximum that was observed: a share s would have
    /// been missed with probability (1 − s)ⁿ, so it is 1 − δ^(1/n) at a confidence of 1 − δ. It holds for each of the two
    /// ends of `max_tv` and for `max_kl` and `pinsker`, each taken by itself.
    pub beyond: f64,
}

/// The shift from `data_policy`, π_D, to `policy`, π, both given in the same states as Gaussians over actions.
///
/// Of policies that squash a Gaussian, by a hyperbolic tangent say, those before the squashing will do: no divergence
/// between them changes where both go through the same one-to-one map.
///
/// The mean is of exact numbers where there is a closed form, and of draws elsewhere.
pub fn policy_shift(
    policy: &GaussianRows<'_>,
    data_policy: &GaussianRows<'_>,
    draws: Draws,
    confidence: f64,
) -> Result<PolicyShift> {
    let (rows, dim) = (policy.mean().len(), policy.mean().dim());
    check_shape("the data policy", data_policy.mean(), [rows, dim])?;
    let mut seen = Seen::default();
    for row in 0..rows {
        let (p, q) = (at(policy, row)?, at(data_policy, row)?);
        let of_row = |error: Error| error.wrap(format_args!("state {row}"));
        seen.push(p.kl(&q).map_err(of_row)?, p.total_variation_bounds(&q).map_err(of_row)?);
    }
    let mut tv = TvByDraws::default();
    let errors = draws.for_each_row(rows, dim, |row, z| {
        let [low, high] = seen.tv[row];
        if high <= low {
            return low;
        }
        tv.clear();
        let of = |rows: Rows<'_>, column: usize| f64::from(rows.row(row)[column]);
        for column in 0..dim {
            let (std, other) = (of(policy.std(), column), of(data_policy.std(), column));
            let apart = of(policy.mean(), column) - of(data_policy.mean(), column);
            tv.push(apart / std, (other / std).powi(2));
        }
        tv.mean(z)
    })?;
    seen.shift(&errors, confidence)
}

/// The shift from `data_policy`, π_D, to `policy`, π, both given in the same states as probabilities of each action.
///
/// Rows may sum to one to the rounding of `f32` only.
pub fn categorical_policy_shift(
    policy: Rows<'_>,
    data_policy: Rows<'_>,
    confidence: f64,
) -> Result<PolicyShift> {
    check_shape("the policy", policy, [policy.len(), policy.dim()])?;
    check_shape("the data policy", data_policy, [policy.len(), policy.dim()])?;
    let mut seen = Seen::default();
    for (row, (p, q)) in policy.iter().zip(data_policy.iter()).enumerate() {
        let (p, q) = (normalized("the policy", row, p)?, normalized("the data policy", row, q)?);
        let tv = discrete::total_variation(&p, &q)?;
        seen.push(discrete::kl(&p, &q)?, [tv, tv]);
    }
    let errors: Vec<f64> = seen.tv.iter().map(|tv| tv[0]).collect();
    seen.shift(&errors, confidence)
}

/// The divergences of the states seen so far.
#[derive(Debug, Default)]
struct Seen {
    tv: Vec<[f64; 2]>,
    max_tv: [f64; 2],
    max_kl: f64,
}

impl Seen {
    fn push(&mut self, kl: f64, tv: [f64; 2]) {
        self.tv.push(tv);
        self.max_tv = [self.max_tv[0].max(tv[0]), self.max_tv[1].max(tv[1])];
        self.max_kl = self.max_kl.max(kl);
    }

    fn shift(&self, errors: &[f64], confidence: f64) -> Result<PolicyShift> {
        let mean_tv = Estimate::bounded(errors, [0.0, 1.0], confidence)?;
        let (max_tv, max_kl) = (self.max_tv, self.max_kl);
        // 1 − δ^(1/n), without losing the digits of what is nearly 0.
        let beyond = -((1.0 - confidence).ln() / errors.len() as f64).exp_m1();
        Ok(PolicyShift { mean_tv, max_tv, max_kl, pinsker: pinsker(max_kl)?, beyond })
    }
}

fn at(rows: &GaussianRows<'_>, row: usize) -> Result<Gaussian> {
    let wide = |row: &[f32]| row.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
    let variance = rows.std().row(row).iter().map(|std| f64::from(*std).powi(2)).collect();
    Gaussian::new(wide(rows.mean().row(row)), variance)
}

/// How far a row of `f32` may be from summing to one.
const SLACK: f64 = 1e-4;

fn normalized(name: &str, row: usize, probabilities: &[f32]) -> Result<Vec<f64>> {
    let sum: f64 = probabilities.iter().map(|p| f64::from(*p)).sum();
    if (sum - 1.0).abs() > SLACK {
        return Err(Error::invalid(format_args!(
            "{name}: the probabilities of state {row} sum to {sum}: expected 1"
        )));
    }
    let scaled: Vec<f64> = probabilities.iter().map(|p| f64::from(*p) / sum).collect();
    check::distribution(&format!("{name}, state {row}"), &scaled)?;
    Ok(scaled)
}
