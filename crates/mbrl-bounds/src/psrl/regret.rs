//! The bound on Bayesian regret under approximate inference.

use crate::check;
use mbrl_core::{Error, Result};

/// How many episodes there are, how long each is, and how much a step may earn.
///
/// R_max is the length of the interval that rewards lie in: rewards of [−1, 1] have 2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Episodes {
    count: u64,
    horizon: u64,
    r_max: f64,
}

impl Episodes {
    /// So many episodes K, of so many steps H, whose rewards lie in an interval of length R_max.
    pub fn new(count: u64, horizon: u64, r_max: f64) -> Result<Self> {
        for (name, value) in [("episodes", count), ("horizon", horizon)] {
            if value == 0 {
                return Err(Error::invalid(format_args!("{name} is 0: expected 1 or more")));
            }
        }
        Ok(Episodes { count, horizon, r_max: check::at_least_zero("r-max", r_max)? })
    }

    /// K, the number of episodes.
    pub fn count(self) -> u64 {
        self.count
    }

    /// H R_max: how far the returns of two episodes can be apart.
    pub fn range(self) -> f64 {
        self.horizon as f64 * self.r_max
    }

    /// K H R_max: no regret is larger.
    pub fn most_regret(self) -> f64 {
        self.count as f64 * self.range()
    }

    /// Whether a bound on the regret says nothing that was not known.
    pub fn is_vacuous(self, regret: f64) -> bool {
        regret > self.most_regret()
    }
}

/// √(C K (H R_max)² ℍ(π*)) + 2 H R_max Σ_k √E[KL(q_k ‖ p_k)]: a bound on the Bayesian regret of K episodes in each of which
/// a policy is drawn from q_k where p_k is its true posterior.
///
/// `entropy` is that of the prior over optimal policies, in nats, and `c` half the number of policies. `kl` has the expected divergence of each episode, or one number for all of them; where one is infinite, so is
/// the bound.
pub fn regret_bound(episodes: Episodes, entropy: f64, c: f64, kl: &[f64]) -> Result<f64> {
    let (entropy, c) = (check::at_least_zero("entropy", entropy)?, check::at_least_zero("c", c)?);
    if let Some(bad) = kl.iter().find(|kl| kl.is_nan() || **kl < 0.0) {
        return Err(Error::invalid(format_args!("kl is {bad}: expected at least 0")));
    }
    let count = episodes.count as f64;
    let roots = match kl {
        [all] => count * all.sqrt(),
        each if each.len() as u64 == episodes.count => each.iter().map(|kl| kl.sqrt()).sum(),
        other => {
            let (given, count) = (other.len(), episodes.count);
            return Err(Error::invalid(format_args!(
                "{given} values of kl for {count} episodes: give one for all, or one for each"
            )));
        }
    };
    let exact = (c * count * entropy).sqrt();
    let regret = episodes.range() * (exact + 2.0 * roots);
    if regret.is_infinite() && kl.iter().all(|kl| kl.is_finite()) || regret.is_nan() {
        return check::finite("the regret bound", regret);
    }
    Ok(regret)
}
