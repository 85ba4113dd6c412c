//! The agent: fits its model, imagines short rollouts of its policy from states that were seen, learns from these.

use super::MbpoConfig;
use super::imagination::{Imagination, World};
use super::theory::{Now, Theory};
use crate::sac::SacTally;
use crate::{
    Actor, Agent, Discount, Mind, PolicyActor, SacBatch, SacLearner, SacPolicy, Setup, SingleRow, keep, known,
};
use mbrl_buffer::{Mixture, ReplayBuffer, Rounding};
use mbrl_core::{
    Belief, Context, FitData, Key, Mode, Policy, Recorder, Result, Transition, TransitionBatch, UniformPolicy,
};
use mbrl_models::Ensemble;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::{Read, Write};

/// Model-based policy optimisation.
///
/// Its metrics, whenever the model was fitted: what the model says of it (`model/…`), `rollout/length`, `rollout/rows`
/// (imagined transitions), `rollout/lost` (rows without a finite successor) and `rollout/return`, what the policy earns in the
/// model from the starts of episodes to their time limit; and before the fit, what theory says of the model that is about to
/// be replaced, on transitions that it has not seen: `theory/eps_m_smoothed` and `theory/eps_m_w1` (see
/// [`mbrl_bounds::estimate`]), `theory/eps_pi_mean` and `theory/eps_pi_max` (how far the policy is from the one it was fitted
/// under, in the states seen), what the theorems subtract for these (`theory/mbpo-4.1`, …), and `theory/k_star`. At the end of an episode: `sac/…`, in the mean over its updates.
pub struct MbpoAgent {
    config: MbpoConfig,
    discount: f32,
    random: UniformPolicy,
    belief: Ensemble,
    learner: SacLearner,
    real: ReplayBuffer,
    imagined: ReplayBuffer,
    mixture: Mixture,
    imagination: Imagination,
    theory: Theory,
    kept: Kept,
    /// Whether the step observed last ended its episode.
    over: bool,
    row: SingleRow,
    drawn: TransitionBatch,
    batch: SacBatch,
    rows: Vec<u32>,
}

/// What it remembers besides data and networks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    steps: u64,
    /// The members to imagine with; none before the first fit.
    elites: Vec<u16>,
    tally: SacTally,
}

impl MbpoAgent {
    /// An agent that has seen nothing.
    pub fn new(config: MbpoConfig, setup: &Setup, key: Key) -> Result<Self> {
        config.validate()?;
        let task = known::given(&setup.task, config.reward, config.termination, |part| {
            format!("set {part} to `learnt`")
        })?;
        let (spec, dims) = (&setup.spec, setup.spec.dims());
        let capacity = config.rollouts.capacity(config.rollouts.length.at(0), config.model_every)?;
        Ok(MbpoAgent {
            discount: spec.discount,
            random: UniformPolicy::new(spec)?,
            belief: Ensemble::new(spec, &task, config.model.clone(), key.child("model")).context("model")?,
            learner: SacLearner::new(config.sac.clone(), spec, 1, key.child("policy"))?,
            real: ReplayBuffer::new(dims, config.capacity)?,
            imagined: ReplayBuffer::unordered(dims, capacity)?,
            mixture: Mixture::rounded(&[config.real_share, 1.0 - config.real_share], Rounding::Floor)?,
            imagination: Imagination::new(spec)?,
            theory: Theory::default(),
            kept: Kept::default(),
            over: false,
            row: SingleRow::default(),
            drawn: TransitionBatch::new(dims),
            batch: SacBatch::default(),
            rows: Vec::new(),
            config,
        })
    }

    /// What it believes.
    pub fn belief(&self) -> &Ensemble {
        &self.belief
    }

    /// What learns to act.
    pub fn learner(&self) -> &SacLearner {
        &self.learner
    }

    /// What it has seen.
    pub fn real(&self) -> &ReplayBuffer {
        &self.real
    }

    /// What it has imagined and not forgotten.
    pub fn imagined(&self) -> &ReplayBuffer {
        &self.imagined
    }

    fn fit(&mut self, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        self.rows.clear();
        self.rows.extend(0..self.real.len() as u32);
        let data = FitData { data: &self.real, train: &self.rows, holdout: &[] };
        let fit = self.belief.fit(data, key, recorder).context("fitting the model")?;
        let all = || (0..self.belief.model().members() as u16).collect();
        self.kept.elites = if fit.elites.is_empty() { all() } else { fit.elites };
        Ok(())
    }

    /// Says what the present model is worth on what it has not seen, before it is fitted to that.
    fn theorize(&mut self, unseen: u64, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        let Some(spread) = self.belief.spread().filter(|_| !self.kept.elites.is_empty()) else {
            return Ok(());
        };
        let now = Now {
            world: World { model: self.belief.model(), elites: &self.kept.elites },
            spread,
            policy: self.learner.policy(),
            real: &self.real,
            unseen: usize::try_from(unseen).unwrap_or(usize::MAX),
            length: self.length(),
            gamma: f64::from(self.discount),
        };
        self.theory.record(&self.config.theory, now, key, recorder).context("theory")
    }

    /// The length of rollouts by now.
    fn length(&self) -> usize {
        let rollouts = &self.config.rollouts;
        rollouts.length.at(self.kept.steps / rollouts.epoch)
    }

    fn imagine(&mut self, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        let (rollouts, length) = (self.config.rollouts, self.length());
        self.imagined.resize(rollouts.capacity(length, self.config.model_every)?)?;
        let world = World { model: self.belief.model(), elites: &self.kept.elites };
        let policy = self.learner.policy();
        let (rollout, imagined) = (world.rollout(length), &mut self.imagined);
        let effort = self
            .imagination
            .branch(rollout, policy, (&self.real, rollouts.starts), key.child("branch"), |rows| {
                imagined.extend(rows)
            })
            .context("imagining")?;
        recorder.scalar("rollout/length", length as f64);
        recorder.scalar("rollout/rows", effort.steps as f64);
        recorder.scalar("rollout/lost", effort.lost as f64);
        if let Some(earned) = self
            .imagination
            .earn(rollout, policy, &self.real, false, key.child("earn"))
            .context("imagining episodes")?
        {
            recorder.scalar("rollout/return", earned.mean);
        }
        Ok(())
    }

    /// Whether the model is to be fitted again at this step.
    pub(crate) fn is_due(&self) -> bool {
        let since = self.kept.steps.checked_sub(self.config.initial_steps);
        since.is_some_and(|since| since.is_multiple_of(self.config.model_every))
    }

    /// Fits the model to all that was seen, and imagines with it.
    pub(crate) fn refresh(&mut self, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        let every = self.config.model_every;
        recorder.span("theory", |recorder| self.theorize(every, key.child("theory"), recorder))?;
        recorder.span("model", |recorder| self.fit(key.child("fit"), recorder))?;
        self.theory.fitted(self.learner.policy());
        recorder.span("imagine", |recorder| self.imagine(key.child("rollout"), recorder))
    }

    /// So many updates of the policy.
    pub(crate) fn improve(&mut self, updates: u64, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        let keys = key.child("update").below();
        recorder.span("update", |_| (0..updates).try_for_each(|i| self.update(keys.at(i))))
    }

    /// Where an episode has ended, says how its updates went.
    pub(crate) fn close(&mut self, recorder: &mut dyn Recorder) {
        if std::mem::take(&mut self.over) {
            self.kept.tally.record(recorder);
        }
    }

    /// By how much the learner's policy earns more in the model than another, discounted, by draws from the starts of the
    /// latest episodes on; nothing where that cannot be said. Both have the same luck until the first of the episodes ends,
    /// as those that go on then take the numbers of other rows.
    pub(crate) fn gain_over(&mut self, other: &SacPolicy, key: Key) -> Result<Option<f64>> {
        let world = World { model: self.belief.model(), elites: &self.kept.elites };
        let policies: [&dyn Policy; 2] = [self.learner.policy(), other];
        self.imagination.gain(world, policies, &self.real, key).context("imagining episodes")
    }

    pub(crate) fn learner_mut(&mut self) -> &mut SacLearner {
        &mut self.learner
    }

    fn update(&mut self, key: Key) -> Result<()> {
        let rows = self.config.sac.batch;
        let sources = [&self.real, &self.imagined];
        self.mixture.sample(&sources, rows, key.child("batch"), &mut self.drawn)?;
        self.batch.reshape(1, rows, self.real.dims());
        self.batch.put(0, &self.drawn, Discount::Gamma(self.discount), self.learner.space())?;
        self.kept.tally.add(self.learner.update(&self.batch, key)?);
        Ok(())
    }
}

impl Agent for MbpoAgent {
    fn act(&mut self, obs: &[f32], key: Key, act: &mut [f32], _: &mut dyn Recorder) -> Result<()> {
        if self.kept.steps < self.config.initial_steps {
            return self.row.act(&self.random, Mode::Sample, obs, key, act);
        }
        self.row.act(self.learner.policy(), Mode::Sample, obs, key, act)
    }

    fn observe(&mut self, transition: Transition<'_>) -> Result<()> {
        self.real.push(transition)?;
        self.theory.observe(transition.reward);
        self.kept.steps += 1;
        self.over = transition.end.is_end();
        Ok(())
    }

    fn learn(&mut self, _: u64, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        if self.is_due() {
            self.refresh(key, recorder)?;
        }
        if self.kept.steps >= self.config.initial_steps {
            self.improve(self.config.updates_per_step, key, recorder)?;
        }
        self.close(recorder);
        Ok(())
    }

    fn cut(&mut self) -> Result<()> {
        self.real.cut_episodes();
        Ok(())
    }

    fn actor(&self) -> Result<Box<dyn Actor + '_>> {
        Ok(Box::new(PolicyActor::new(self.learner.policy())))
    }

    fn mind(&self) -> Option<Mind<'_>> {
        let members = &self.kept.elites;
        (!members.is_empty()).then_some(Mind { belief: &self.belief, members })
    }

    fn network(&self) -> Option<Cow<'_, SacPolicy>> {
        Some(Cow::Borrowed(self.learner.policy()))
    }

    fn replay(&self) -> Option<&ReplayBuffer> {
        Some(&self.real)
    }

    fn save(&self, mut out: &mut dyn Write) -> Result<()> {
        self.real.write_to(&mut out)?;
        self.imagined.write_to(&mut out)?;
        self.belief.save(out)?;
        self.learner.save(out)?;
        self.theory.save(out)?;
        keep::write(&self.kept, out)
    }

    fn load(&mut self, mut from: &mut dyn Read) -> Result<()> {
        let real = keep::buffer(&self.real, from)?;
        // Its capacity follows the schedule.
        let imagined = ReplayBuffer::read_from(&mut from)?;
        self.belief.load(from)?;
        self.learner.load(from)?;
        self.theory.load(from)?;
        let kept: Kept = keep::read(from)?;
        keep::check_members(&kept.elites, self.belief.model().members())?;
        self.kept = kept;
        (self.real, self.imagined) = (real, imagined);
        Ok(())
    }
}

impl std::fmt::Debug for MbpoAgent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MbpoAgent").field("config", &self.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbrl_core::{End, NullRecorder, Origin, Space, Spec};

    #[test]
    fn a_batch_has_its_share_of_real_transitions_rounded_down_and_the_rest_imagined() {
        let spec = Spec::new(Space::unbounded(1).unwrap(), Space::symmetric(1, 1.0).unwrap());
        let mut config = MbpoConfig::default().quick();
        (config.sac.batch, config.termination) = (256, crate::Known::Learnt);
        let mut agent = MbpoAgent::new(config, &Setup::new(spec), Key::root(0)).unwrap();
        for step in 1..=20_u64 {
            let obs = [0.1 * step as f32];
            let end = if step % 5 == 0 { End::Terminated } else { End::Running };
            let (act, next_obs) = (&[0.5][..], &[obs[0] + 0.1][..]);
            let seen = Transition { obs: &obs, act, next_obs, reward: obs[0], end, origin: Origin::World };
            agent.observe(seen).unwrap();
            agent.learn(step, Key::root(1).at(step), &mut NullRecorder).unwrap();
        }
        // int(256 · 0.05), as the official code has it.
        let real = agent.drawn.origin.iter().filter(|origin| **origin == Origin::World).count();
        assert_eq!((real, agent.drawn.len()), (12, 256));
    }
}
