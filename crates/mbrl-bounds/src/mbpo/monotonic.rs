//! Algorithm 1, "MBPO with monotonic improvement guarantee", on tables: collect data, fit a model, and take the policy of
//! the largest certified return, if that is above what the present one earns.

mod ball;
mod certificate;
mod data;
mod search;
#[cfg(test)]
mod tests;

pub use certificate::Certificate;
pub use data::collect;

use super::{model_return, true_return};
use crate::mopo::{ErrorEstimate, penalized_optimum, penalty_weight};
use crate::{Discounted, ModelledMdp, check};
use mbrl_core::{Context, Error, Result, TabularMdp};
use mbrl_plan::TabularPolicy;

/// The policy of the largest certified return.
#[derive(Clone, Debug, PartialEq)]
pub struct Certified {
    /// The policy.
    pub policy: TabularPolicy,
    /// η̂(π) − C(π), which is what it earns in the world at least: [`Certificate::bound`] of it.
    pub bound: f64,
    /// No policy has a bound that is larger by more than this.
    pub missed: f64,
}

/// What happened in an epoch of [`algorithm_1`].
#[derive(Clone, Debug, PartialEq)]
pub struct Epoch {
    /// π_D, which collected the data.
    pub data_policy: TabularPolicy,
    /// η(π_D).
    pub true_return: f64,
    /// The policy that maximises the certified return.
    pub best: Certified,
    /// Whether that return is above η(π_D), so that its policy is the next.
    pub adopted: bool,
}

/// Returns that differ by less than this share of the widest gap are equal, as far as linear systems can tell: the rounding
/// of 1 − γ grows with the horizon.
fn rounding(returns: Discounted) -> f64 {
    f64::max(1e-10, 64.0 * f64::EPSILON * returns.horizon())
}

/// argmax_π η̂(π) − C(π): the policy of the largest certified return.
///
/// Where C depends on ε_π, how much is certified is no concave function of the policy, nor of ε_π. But the best policy
/// within a distance ε of π_D is exact, by policy iteration in which each state moves at most ε of its probability from
/// the worst actions to the best; η̂ of it rises with ε, and never faster than by 2 r_max / (1 − γ)². With that a search
/// over ε in [0, 1] halves the intervals that may yet have a better one, until none may by more than 1e-9 of the widest
/// gap, or 256 distances were looked at: [`Certified::missed`] is what is left. Every bound that is looked at is exact. How
/// much is missed in random worlds is printed by the example `monotonic`.
///
/// With [`Certificate::EveryMove`] it is the optimum of a penalised model, and nothing is missed.
pub fn most_certified(
    worlds: &ModelledMdp,
    data_policy: &TabularPolicy,
    certificate: Certificate,
    gamma: f64,
) -> Result<Certified> {
    let gamma = check::exact_discount("gamma", gamma)?;
    worlds.check_policy("the data policy", data_policy)?;
    let Some(by_shift) = certificate.by_shift(worlds, data_policy, gamma)? else {
        let lambda = penalty_weight(worlds.discounted(gamma)?);
        let best = penalized_optimum(worlds, &ErrorEstimate::total_variation(worlds), lambda, gamma)?;
        return Ok(Certified { policy: best.policy, bound: best.value, missed: 0.0 });
    };
    search::over_shifts(worlds, data_policy, by_shift)
}

/// Algorithm 1: so many epochs from `first` on, of each of which `fit` makes the model.
///
/// In every epoch `fit(epoch, policy)` is the model that the data of all epochs so far make, those of `policy` included:
/// of it the transitions are taken, as rewards, first states and ends are known. Then the policy that maximises the
/// certified return is adopted if that return is above η(π_D), exactly and by more than rounding. So η never falls.
///
/// The paper has no such condition, as η(π_D) is not known where there is a world to be learnt. Without it η can fall, by
/// twice what the certificate subtracts for π_D itself at most: η(π) ≥ η̂(π) − C(π) ≥ η̂(π_D) − C(π_D) ≥
/// η(π_D) − 2 C(π_D). That is [`most_certified`] alone.
///
/// ```
/// use mbrl_bounds::{mbpo, psrl::Counts};
/// use mbrl_core::{Key, TabularMdp};
/// use mbrl_plan::TabularPolicy;
///
/// # fn main() -> mbrl_core::Result<()> {
/// // Action 1 more often leads to the state that earns 1.
/// let moves = [[0.9, 0.1], [0.2, 0.8], [0.9, 0.1], [0.2, 0.8]].concat();
/// let rewards = [[0.0; 4], [1.0; 4]].concat();
/// let truth = TabularMdp::new(2, moves, rewards, vec![1.0, 0.0], vec![false; 2])?;
/// let uniform = TabularPolicy::uniform(&truth);
///
/// let run = |certificate| {
///     let mut seen = Counts::of(&truth);
///     mbpo::algorithm_1(&truth, &uniform, certificate, 0.8, 3, |epoch, policy| {
///         mbpo::collect(&truth, policy, 0.8, 20_000, Key::root(0).at(epoch), &mut seen)?;
///         seen.empirical(&truth)
///     })
/// };
/// // What theorem 4.1 subtracts, nobody can gain.
/// assert!(run(mbpo::Certificate::Published)?.iter().all(|epoch| !epoch.adopted));
/// // Errors of single moves are paid for where they are met.
/// let epochs = run(mbpo::Certificate::EveryMove)?;
/// assert!(epochs[0].adopted && epochs[1].true_return > epochs[0].true_return + 1.0);
/// # Ok(()) }
/// ```
pub fn algorithm_1(
    truth: &TabularMdp,
    first: &TabularPolicy,
    certificate: Certificate,
    gamma: f64,
    epochs: u64,
    mut fit: impl FnMut(u64, &TabularPolicy) -> Result<TabularMdp>,
) -> Result<Vec<Epoch>> {
    let (mut data_policy, mut ran) = (first.clone(), Vec::new());
    for epoch in 0..epochs {
        let model = fit(epoch, &data_policy).with_context(|| format!("the model of epoch {epoch}"))?;
        let worlds = modelled(truth, &model)?;
        let true_return = true_return(&worlds, &data_policy, gamma)?;
        let best = most_certified(&worlds, &data_policy, certificate, gamma)?;
        let returns = worlds.discounted(gamma)?;
        let adopted = best.bound - true_return > rounding(returns) * returns.widest_gap();
        let next = if adopted { best.policy.clone() } else { data_policy.clone() };
        ran.push(Epoch { data_policy, true_return, best, adopted });
        data_policy = next;
    }
    Ok(ran)
}

impl Epoch {
    /// The policy of the next epoch.
    pub fn next(&self) -> &TabularPolicy {
        if self.adopted { &self.best.policy } else { &self.data_policy }
    }
}

/// The world beside a model of it that is an MDP.
fn modelled(truth: &TabularMdp, model: &TabularMdp) -> Result<ModelledMdp> {
    let (has, needs) = ([model.states(), model.actions()], [truth.states(), truth.actions()]);
    if has != needs {
        return Err(Error::invalid(format_args!(
            "the model has {has:?} states and actions, the world {needs:?}: fit one of these"
        )));
    }
    let pairs = (0..needs[0]).flat_map(|state| (0..needs[1]).map(move |action| (state, action)));
    ModelledMdp::new(truth, pairs.flat_map(|(s, a)| model.transition(s, a).iter().copied()).collect())
}
