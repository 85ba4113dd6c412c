//! The agent: an epoch of data, a model, a policy that is held near the one before, and which of the two is kept.

use super::MonotonicConfig;
use crate::sac::{is_above, kl, tv_bound};
use crate::{Actor, Agent, MbpoAgent, Mind, SacPolicy, Setup, keep};
use mbrl_bounds::{Discounted, mbpo};
use mbrl_core::{Context, Error, Key, Recorder, Result, RowBuf, Scratch, Transition, TransitionBatch};
use std::borrow::Cow;
use std::io::{Read, Write};

/// In at most so many states, evenly spread over all that were seen, it is looked how far two policies are apart.
const STATES: usize = 1024;

#[cfg(test)]
mod tests;

/// Algorithm 1 of MBPO.
///
/// Its metrics are those of [`MbpoAgent`], and whenever the model was fitted: `monotonic/eps_pi`, the largest bound on the
/// total variation between the policy that was found and the one that collected the data, in any of at most 1,024 states
/// seen; `monotonic/gain`, by how much its discounted return in the model is larger, where that can be said;
/// `monotonic/penalty`, what `c_scale` C grows by for this ε_π; and `monotonic/adopted`, 1 where the gain is above the
/// penalty, and 0 where the policy stays what it was.
pub struct MonotonicAgent {
    config: MonotonicConfig,
    agent: MbpoAgent,
    gamma: f64,
    /// The largest reward seen, in size.
    largest: f32,
    /// π_D.
    before: SacPolicy,
    states: TransitionBatch,
    indices: Vec<u32>,
    normals: [RowBuf; 4],
    scratch: Scratch,
}

impl MonotonicAgent {
    /// An agent that has seen nothing.
    pub fn new(config: MonotonicConfig, setup: &Setup, key: Key) -> Result<Self> {
        config.validate()?;
        let gamma = f64::from(setup.spec.discount);
        Discounted::new(gamma, 0.0).context("theorem 4.1 has no C for this discount: give one below 1")?;
        let agent = MbpoAgent::new(config.mbpo.clone(), setup, key)?;
        Ok(MonotonicAgent {
            before: agent.learner().policy().clone(),
            states: TransitionBatch::new(setup.spec.dims()),
            config,
            agent,
            gamma,
            largest: 0.0,
            indices: Vec::new(),
            normals: Default::default(),
            scratch: Scratch::default(),
        })
    }

    /// The model, the data and the learner.
    pub fn mbpo(&self) -> &MbpoAgent {
        &self.agent
    }

    /// r_max: a reward that was seen is no larger than it, whatever it was said to be.
    fn r_max(&self) -> f64 {
        self.config.r_max.unwrap_or(0.0).max(f64::from(self.largest))
    }

    /// c · C(0, ε_π).
    fn penalty(&self, eps_pi: f64) -> Result<f64> {
        let returns = Discounted::new(self.gamma, self.r_max())?;
        Ok(self.config.c_scale * mbpo::theorem_4_1(returns, 0.0, eps_pi)?)
    }

    /// What ε_π costs in the actor's loss: the slope of the penalty, which is linear, in the units of the mean of Q, which
    /// changes by 1 − γ times what η̂ does.
    fn weight(&self) -> Result<f64> {
        Ok((1.0 - self.gamma) * self.penalty(1.0)?)
    }

    /// Seeks a policy that gains more than it costs, and goes back to π_D where there is none.
    fn maximise(&mut self, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        let weight = self.weight()?;
        let updates = self.config.mbpo.model_every.saturating_mul(self.config.mbpo.updates_per_step);
        self.before.clone_from(self.agent.learner().policy());
        self.agent.learner_mut().hold(weight as f32);
        let done = self.agent.improve(updates, key, recorder);
        self.agent.learner_mut().let_go();
        done?;

        recorder.enter("judge");
        let judged = self.judge(key.child("judge"), recorder);
        recorder.leave();
        if !judged? {
            self.agent.learner_mut().take_back();
        }
        Ok(())
    }

    /// Whether the policy that was found is the better of the two.
    fn judge(&mut self, key: Key, recorder: &mut dyn Recorder) -> Result<bool> {
        let eps_pi = self.shift()?;
        let penalty = self.penalty(eps_pi)?;
        recorder.scalar("monotonic/eps_pi", eps_pi);
        recorder.scalar("monotonic/penalty", penalty);
        let gain = self.agent.gain_over(&self.before, key)?;
        if let Some(gain) = gain {
            recorder.scalar("monotonic/gain", gain);
        }
        // What cannot be compared is not adopted. Nor is anything while no reward was seen but 0: C would be 0, and what the
        // model imagines beyond what was seen would be had for nothing.
        let adopted = self.r_max() > 0.0 && gain.is_some_and(|gain| gain > penalty);
        recorder.scalar("monotonic/adopted", f64::from(u8::from(adopted)));
        Ok(adopted)
    }

    /// ε_π: the largest bound on the total variation in any of the states that are looked at.
    fn shift(&mut self) -> Result<f64> {
        let real = self.agent.real();
        self.indices.clear();
        self.indices.extend((0..real.len() as u32).step_by(real.len().div_ceil(STATES).max(1)));
        real.gather(&self.indices, &mut self.states)?;
        let (obs, policy) = (self.states.obs.view(), self.agent.learner().policy());
        let [mean, deviation, old_mean, old_deviation] = &mut self.normals;
        policy.normals(policy.theta(), obs, [mean, deviation], &mut self.scratch)?;
        policy.normals(self.before.theta(), obs, [old_mean, old_deviation], &mut self.scratch)?;
        let [mean, deviation, old_mean, old_deviation] =
            [mean, deviation, old_mean, old_deviation].map(|rows| rows.view());
        let bound = |i: usize| {
            tv_bound(kl([mean.row(i), deviation.row(i)], [old_mean.row(i), old_deviation.row(i)])).0
        };
        let bounds = (0..obs.len()).map(bound);
        let largest = bounds.fold(0.0, |most, x| if is_above(x, most) { x } else { most });
        if !largest.is_finite() {
            return Err(Error::non_finite("the policy: lower the actor's learning rate"));
        }
        Ok(largest)
    }
}

impl Agent for MonotonicAgent {
    fn act(&mut self, obs: &[f32], key: Key, act: &mut [f32], recorder: &mut dyn Recorder) -> Result<()> {
        self.agent.act(obs, key, act, recorder)
    }

    fn observe(&mut self, transition: Transition<'_>) -> Result<()> {
        self.largest = self.largest.max(transition.reward.abs());
        self.agent.observe(transition)
    }

    fn learn(&mut self, _: u64, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        if self.agent.is_due() {
            self.agent.refresh(key, recorder)?;
            self.maximise(key, recorder)?;
        }
        self.agent.close(recorder);
        Ok(())
    }

    fn cut(&mut self) -> Result<()> {
        self.agent.cut()
    }

    fn actor(&self) -> Result<Box<dyn Actor + '_>> {
        self.agent.actor()
    }

    fn mind(&self) -> Option<Mind<'_>> {
        self.agent.mind()
    }

    fn network(&self) -> Option<Cow<'_, SacPolicy>> {
        self.agent.network()
    }

    fn save(&self, out: &mut dyn Write) -> Result<()> {
        self.agent.save(out)?;
        keep::write(&self.largest, out)
    }

    fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        self.agent.load(from)?;
        self.largest = keep::read(from)?;
        Ok(())
    }
}

impl std::fmt::Debug for MonotonicAgent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MonotonicAgent").field("config", &self.config).finish_non_exhaustive()
    }
}
