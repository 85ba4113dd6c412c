//! What a learner loses by learning, computed and not sampled.

use super::{EpisodePolicy, TabularLearner, draw_index, draw_unit};
use mbrl_core::{Context, End, Error, Key, Origin, Result, TabularMdp, Transition};
use mbrl_plan::backward_induction;

/// How a learner is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Play {
    /// How many episodes.
    pub episodes: u64,
    /// After how many steps an episode is cut.
    pub horizon: usize,
    /// What a move earns.
    pub rewards: RewardLaw,
}

/// What a move earns that has a reward r in the tables of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewardLaw {
    /// r.
    Given,
    /// 1 with probability r, else 0: what a beta prior over mean rewards is conjugate to.
    Coins,
}

/// V\* − V^π of the policy π of each episode, as a learner plays them in a world one after the other.
///
/// Both values are exact in the world's own tables, with V\* the optimum over policies that may depend on the step: chance
/// is in what the learner sees, and in what it makes of it. Averaged over worlds from a prior this is Bayesian regret, in one world a
/// frequentist's.
///
/// ```
/// use mbrl_agents::{Play, RewardLaw, Setup, UcbviConfig, regret};
/// use mbrl_core::Key;
///
/// # fn main() -> mbrl_core::Result<()> {
/// let entry = mbrl_envs::find("riverswim")?;
/// let setup = Setup { task: entry.task(), ..Setup::new(entry.spec()) };
/// let mut learner = UcbviConfig::default().learner(&setup)?;
/// let play = Play { episodes: 5, horizon: 20, rewards: RewardLaw::Given };
/// let lost = regret(learner.as_mut(), &entry.mdp().expect("it is finite"), play, Key::root(0))?;
/// assert!(lost.len() == 5 && lost.iter().all(|lost| *lost >= 0.0));
/// # Ok(()) }
/// ```
pub fn regret(
    learner: &mut dyn TabularLearner,
    world: &TabularMdp,
    play: Play,
    key: Key,
) -> Result<Vec<f64>> {
    if learner.span() != play.horizon {
        let (span, horizon) = (learner.span(), play.horizon);
        return Err(Error::invalid(format_args!(
            "episodes of {horizon} steps for a learner that plans {span}: make them equal"
        )));
    }
    let optimum = backward_induction(world, play.horizon, 1.0)?.start_value(world);
    let mut before: Option<(EpisodePolicy, f64)> = None;
    (0..play.episodes)
        .map(|episode| {
            let keys = key.at(episode);
            let policy = learner.plan(keys.child("plan"))?;
            episode_of(learner, world, &policy, play, keys).with_context(|| format!("episode {episode}"))?;
            // One who has learnt enough plays the same again and again.
            let value = match before.take() {
                Some((same, value)) if same == policy => value,
                _ => policy.value(world, play.horizon)?,
            };
            before = Some((policy, value));
            // Rounding may make the optimum the smaller of equals.
            Ok((optimum - value).max(0.0))
        })
        .collect()
}

fn episode_of(
    learner: &mut dyn TabularLearner,
    world: &TabularMdp,
    policy: &EpisodePolicy,
    play: Play,
    keys: Key,
) -> Result<()> {
    let (mut rng, choices) = (keys.child("world").rng(), keys.child("policy").below());
    let mut state = draw_index(world.start(), &mut rng);
    learner.begin(state)?;
    for t in 0..play.horizon {
        if world.is_terminal(state) {
            break;
        }
        let action = policy.act(t, state, choices.at(t as u64));
        let next = draw_index(world.transition(state, action), &mut rng);
        let mean = world.reward(state, action)[next];
        let reward = match play.rewards {
            RewardLaw::Given => mean,
            RewardLaw::Coins if (0.0..=1.0).contains(&mean) => {
                f64::from(u8::from(draw_unit(&mut rng) < mean))
            }
            RewardLaw::Coins => {
                return Err(Error::invalid(format_args!(
                    "the reward {mean} is no probability: play `RewardLaw::Given`, or scale it to [0, 1]"
                )));
            }
        };
        let end = match (world.is_terminal(next), t + 1 == play.horizon) {
            (true, _) => End::Terminated,
            (false, true) => End::Truncated,
            (false, false) => End::Running,
        };
        learner.observe(Transition {
            obs: &[state as f32],
            act: &[action as f32],
            next_obs: &[next as f32],
            reward: reward as f32,
            end,
            origin: Origin::World,
        })?;
        state = next;
    }
    Ok(())
}
