//! The bound on Bayesian regret under approximate inference.

use crate::check;
use mbrl_core::{Error, Result};

/// How many episodes there are, how long each is, and how much a step may earn.
///
/// R_max is the length of the interval that rewards lie in: rewards of [−1, 1] have 2, and with a 1 instead the theorem
/// fails. Where an episode can end before its last step, the steps that it is spared earn 0, so that the interval has to
/// contain 0.
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

    /// H, the number of steps of each.
    pub fn horizon(self) -> u64 {
        self.horizon
    }

    /// R_max, the length of the interval of rewards.
    pub fn r_max(self) -> f64 {
        self.r_max
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

/// √(C K (H R_max)² ℍ(π*)) + 2 H R_max Σ_k √E[KL(q_k ‖ p_k)]: a bound on the Bayesian regret of K episodes in each of
/// which a policy is drawn from q_k where p_k is its true posterior.
///
/// `entropy` is that of the prior over optimal policies, in nats, and `c` is C of [`worst_information_ratio`]. `kl` has
/// the expected divergence of each episode, or one number for all of them; where one is infinite, so is the bound.
///
/// Why it holds: with D(π) = E[V^π | π* = π] − E[V^π], an episode that is played from q regrets
/// Σ p D + (E_p V̄ − E_q V̄), of which
/// - Σ √(pq) D ≤ H R_max √(|Π| I_k / 2), where I_k is what the episode tells of π* (Pinsker, Cauchy and Schwarz), and all
///   I_k together are at most ℍ(π*),
/// - Σ √p (√p − √q) D ≤ H R_max √KL, as Σ (√p − √q)² ≤ KL,
/// - E_p V̄ − E_q V̄ ≤ H R_max √(KL / 2).
///
/// The first is the argument of Russo and Van Roy (2016), the other two are what approximation adds to it.
///
/// ```
/// use mbrl_bounds::psrl::{Episodes, regret_bound, worst_information_ratio};
///
/// let episodes = Episodes::new(100, 10, 0.1)?;
/// let c = worst_information_ratio(4)?;
/// let exact = regret_bound(episodes, 4f64.ln(), c, &[0.0])?;
/// assert!((exact - (200.0 * 4f64.ln()).sqrt()).abs() < 1e-12);
/// // A divergence that stays costs in proportion to the number of episodes.
/// let approximate = regret_bound(episodes, 4f64.ln(), c, &[0.01])?;
/// assert!((approximate - exact - 20.0).abs() < 1e-12 && !episodes.is_vacuous(approximate));
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn regret_bound(episodes: Episodes, entropy: f64, c: f64, kl: &[f64]) -> Result<f64> {
    bound(episodes, entropy, c, kl, 2.0)
}

/// [`regret_bound`] with 1 + 1/√2, which is all that its proof uses, in the place of the 2.
pub fn sharper_regret_bound(episodes: Episodes, entropy: f64, c: f64, kl: &[f64]) -> Result<f64> {
    bound(episodes, entropy, c, kl, 1.0 + std::f64::consts::FRAC_1_SQRT_2)
}

/// C = |Π| / 2: no episode regrets more than √(C (H R_max)² I) under exact inference, where I is what it tells of π*.
///
/// Only policies that are optimal in some model of the prior count, so |Π| may be the number of those. A third of it is
/// too little: one episode with two arms, of which either pays 1 and the other nothing, regrets 1/2 > √(ln 2 / 3).
pub fn worst_information_ratio(policies: usize) -> Result<f64> {
    if policies == 0 {
        return Err(Error::invalid("there are no policies: give one at least"));
    }
    Ok(0.5 * policies as f64)
}

fn bound(episodes: Episodes, entropy: f64, c: f64, kl: &[f64], weight: f64) -> Result<f64> {
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
    if episodes.range() <= 0.0 {
        // Where all returns are alike nothing is regretted, however wrong the posterior.
        return Ok(0.0);
    }
    let exact = check::finite("the regret bound", (c * count * entropy).sqrt())?;
    let regret = episodes.range() * (exact + weight * roots);
    if kl.iter().all(|kl| kl.is_finite()) {
        return check::finite("the regret bound", regret);
    }
    Ok(regret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_a_pocket_calculator() {
        let episodes = Episodes::new(4, 3, 2.0).unwrap();
        assert_eq!([episodes.count(), episodes.horizon()], [4, 3]);
        let near = |value: f64, expected: f64| (value - expected).abs() < 1e-12;
        assert!(
            near(episodes.r_max(), 2.0) && near(episodes.range(), 6.0) && near(episodes.most_regret(), 24.0)
        );
        assert!(episodes.is_vacuous(24.5) && !episodes.is_vacuous(24.0));
        let kl = [0.0, 0.25, 1.0, 4.0];
        // √(0.5 · 4 · 36 · 2) + 2 · 6 · 3.5
        assert!(near(regret_bound(episodes, 2.0, 0.5, &kl).unwrap(), 54.0));
        assert!(near(
            sharper_regret_bound(episodes, 2.0, 0.5, &kl).unwrap(),
            12.0 + 21.0 * (1.0 + 0.5f64.sqrt())
        ));
        assert!(near(regret_bound(episodes, 2.0, 0.5, &[0.25]).unwrap(), 36.0));
        assert!(near(worst_information_ratio(3).unwrap(), 1.5));
    }

    #[test]
    fn what_is_infinite_stays_so_unless_there_is_nothing_to_regret() {
        let episodes = |r_max| Episodes::new(2, 3, r_max).unwrap();
        assert!(regret_bound(episodes(1.0), 0.5, 1.0, &[0.0, f64::INFINITY]).unwrap().is_infinite());
        assert_eq!(regret_bound(episodes(0.0), 0.5, 1.0, &[f64::INFINITY]).unwrap().to_bits(), 0);
    }

    #[test]
    fn numbers_that_say_nothing_are_refused_by_name() {
        let episodes = Episodes::new(2, 3, 1.0).unwrap();
        let kl = [0.1, 0.1];
        for (refused, says) in [
            (regret_bound(episodes, -0.1, 1.0, &kl), "entropy is -0.1"),
            (regret_bound(episodes, f64::NAN, 1.0, &kl), "entropy is NaN"),
            (regret_bound(episodes, 0.1, f64::INFINITY, &kl), "c is inf"),
            (regret_bound(episodes, 0.1, 1.0, &[0.1, -0.1]), "kl is -0.1: expected at least 0"),
            (regret_bound(episodes, 0.1, 1.0, &[f64::NAN]), "kl is NaN"),
            (regret_bound(episodes, 0.1, 1.0, &[0.1; 3]), "3 values of kl for 2 episodes: give one for all"),
            (regret_bound(episodes, 0.1, 1.0, &[]), "0 values of kl for 2 episodes"),
            (regret_bound(episodes, 1e300, 1e300, &[0.0]), "the regret bound comes to inf"),
            (regret_bound(episodes, 1e300, 1e300, &[f64::INFINITY]), "the regret bound comes to inf"),
            (Episodes::new(0, 1, 1.0).map(Episodes::range), "episodes is 0: expected 1 or more"),
            (Episodes::new(1, 0, 1.0).map(Episodes::range), "horizon is 0"),
            (Episodes::new(1, 1, f64::NAN).map(Episodes::range), "r-max is NaN"),
            (worst_information_ratio(0), "there are no policies"),
        ] {
            let error = refused.unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
