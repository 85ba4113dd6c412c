//! The agent: fits its model to the data, imagines in what is left of it after paying for doubt, and learns from that.

use super::{MopoConfig, Pessimism};
use crate::mbpo::imagination::{Imagination, World};
use crate::offline::Data;
use crate::sac::SacTally;
use crate::{Actor, Agent, Discount, Mind, PolicyActor, SacBatch, SacLearner, SacPolicy, Setup, keep, known};
use mbrl_buffer::{Mixture, ReplayBuffer, Rounding};
use mbrl_core::{
    Belief, Context, Error, FitData, Key, Recorder, Result, Scratch, Spread, Transition, TransitionBatch,
};
use mbrl_models::{Ensemble, Gauge, Halting, Penalized};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::f64::consts::PI;
use std::io::{Read, Write};

/// Model-based offline policy optimisation, and what differs from it only in how the model is pessimistic.
///
/// Its metrics: at the first update what the model says of its fit (`model/…`); every `rollouts.every` updates
/// `rollout/length`, `rollout/rows`, `rollout/lost`, `rollout/return` (what the policy earns in the bare model from the starts
/// of the last 16 recorded episodes to their time limit: the median, in which an episode that is lost counts least; discounted
/// where the model halts), `rollout/pessimistic` (the same in the model that pays: the estimate that early stopping goes by),
/// and `sac/…` in the mean over the updates since.
pub struct MopoAgent {
    config: MopoConfig,
    discount: f32,
    data: Data,
    belief: Ensemble,
    learner: SacLearner,
    imagined: ReplayBuffer,
    mixture: Mixture,
    imagination: Imagination,
    kept: Kept,
    /// The actor of the best estimate; empty where nobody asks for it.
    best: Vec<f32>,
    drawn: TransitionBatch,
    batch: SacBatch,
}

/// What it remembers besides data and networks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    updates: u64,
    /// The members to imagine with; none before the fit.
    elites: Vec<u16>,
    halt: Option<Halt>,
    /// The best estimate, and how many came after it.
    estimate: Option<f64>,
    since: u64,
    is_done: bool,
    tally: SacTally,
}

/// Where the model stops, and what that earns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Halt {
    threshold: f64,
    reward: f32,
}

/// Recorded moves whose uncertainty is measured at a time.
const CHUNK: usize = 4096;

impl MopoAgent {
    /// An agent of the algorithm of this name that has learnt nothing.
    pub(crate) fn new(algorithm: &'static str, config: MopoConfig, setup: &Setup, key: Key) -> Result<Self> {
        config.validate()?;
        let task = known::given(&setup.task, config.reward, config.termination, |part| {
            format!("set {part} to `learnt`")
        })?;
        let (spec, dims) = (&setup.spec, setup.spec.dims());
        Ok(MopoAgent {
            discount: spec.discount,
            data: Data::new(algorithm, setup)?,
            belief: Ensemble::new(spec, &task, config.model.clone(), key.child("model")).context("model")?,
            learner: SacLearner::new(config.sac.clone(), spec, 1, key.child("policy"))?,
            imagined: ReplayBuffer::unordered(dims, config.rollouts.capacity()?)?,
            mixture: Mixture::rounded(&[config.real_share, 1.0 - config.real_share], Rounding::Floor)?,
            imagination: Imagination::new(spec)?,
            kept: Kept::default(),
            best: Vec::new(),
            drawn: TransitionBatch::new(dims),
            batch: SacBatch::default(),
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

    /// What it has imagined and not forgotten.
    pub fn imagined(&self) -> &ReplayBuffer {
        &self.imagined
    }

    fn fit(&mut self, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        let data = self.data.rows()?;
        let rows: Vec<u32> = (0..data.len() as u32).collect();
        let data = FitData { data, train: &rows, holdout: &[] };
        let fit = self.belief.fit(data, key, recorder).context("fitting the model")?;
        let all = || (0..self.belief.model().members() as u16).collect();
        self.kept.elites = if fit.elites.is_empty() { all() } else { fit.elites };
        self.kept.halt = self.halt()?;
        Ok(())
    }

    /// Where the fitted model is to stop, if it is to.
    fn halt(&self) -> Result<Option<Halt>> {
        let Pessimism::Halt { multiple, below, uncertainty } = self.config.pessimism else {
            return Ok(None);
        };
        let (data, spread) = (self.data.rows()?, spread(&self.belief)?);
        let gauge = Gauge::new(uncertainty, &self.kept.elites, spread)?;
        let (mut rows, mut unsure, mut scratch) =
            (TransitionBatch::new(data.dims()), Vec::new(), Scratch::default());
        let (mut most, mut least) = (0.0f32, f32::INFINITY);
        for first in (0..data.len()).step_by(CHUNK) {
            rows.clear();
            (first..data.len().min(first + CHUNK)).for_each(|row| rows.push(data.get(row)));
            unsure.resize(rows.len(), 0.0);
            gauge
                .measure(spread, rows.obs.view(), rows.act.view(), &mut unsure, &mut scratch)
                .context("the uncertainty of the data")?;
            most = unsure.iter().copied().fold(most, f32::max);
            least = rows.reward.iter().copied().fold(least, f32::min);
        }
        // The move is the last; what it leads to earns so little for ever after.
        let for_ever = f64::from(self.discount) / (1.0 - f64::from(self.discount)).max(1e-6);
        // Who has ended earns nothing for ever, which must not be worse.
        let reward = (for_ever * (f64::from(least.min(0.0)) - below)) as f32;
        if !reward.is_finite() {
            return Err(Error::invalid(format_args!("pessimism.halt.below is {below}: give less")));
        }
        Ok(Some(Halt { threshold: multiple * f64::from(most), reward }))
    }

    fn imagine(&mut self, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        let MopoAgent { config, data, belief, learner, imagined, imagination, kept, .. } = self;
        let (real, rollouts, policy) = (data.rows()?, config.rollouts, learner.policy());
        let bare = World { model: belief.model(), elites: &kept.elites };
        // To halt earns at once what is earned for ever after, discounted, and so must the rest be.
        let discounted = matches!(config.pessimism, Pessimism::Halt { .. });
        let mut within = |world: World<'_>| -> Result<_> {
            let [bare, rollout] = [bare, world].map(|world| world.rollout(rollouts.length));
            let effort = imagination
                .branch(rollout, policy, (real, rollouts.starts), key.child("branch"), |rows| {
                    imagined.extend(rows)
                })
                .context("imagining")?;
            let earned = [bare, rollout]
                .map(|rollout| imagination.earn(rollout, policy, real, discounted, key.child("earn")));
            let [earned, pessimistic] = earned.map(|earned| earned.context("imagining episodes"));
            Ok((effort, earned?, pessimistic?))
        };
        let elites = &kept.elites;
        let (effort, earned, pessimistic) = match (config.pessimism, kept.halt) {
            (Pessimism::Penalty { lambda, uncertainty }, _) => {
                let model = Penalized::new(spread(belief)?, lambda, uncertainty, elites)?;
                within(World { model: &model, elites })?
            }
            (Pessimism::Halt { uncertainty, .. }, Some(Halt { threshold, reward })) => {
                let model = Halting::new(spread(belief)?, threshold, reward, uncertainty, elites)?;
                within(World { model: &model, elites })?
            }
            _ => within(bare)?,
        };
        recorder.scalar("rollout/length", rollouts.length as f64);
        recorder.scalar("rollout/rows", effort.steps as f64);
        recorder.scalar("rollout/lost", effort.lost as f64);
        if let Some(earned) = earned {
            recorder.scalar("rollout/return", earned.median);
        }
        let pessimistic = pessimistic.map(|earned| earned.median);
        if let Some(pessimistic) = pessimistic {
            recorder.scalar("rollout/pessimistic", pessimistic);
        }
        // Before the first update the policy is none that was learnt.
        if self.kept.updates > 0 {
            self.consider(pessimistic);
        }
        Ok(())
    }

    /// Remembers the best policy so far, and stops where none has been better for long enough.
    fn consider(&mut self, estimate: Option<f64>) {
        let Some(patience) = self.config.patience else {
            return;
        };
        let best = self.kept.estimate;
        match estimate {
            Some(estimate) if best.is_none_or(|best| estimate > best) => {
                (self.kept.estimate, self.kept.since) = (Some(estimate), 0);
                self.best.clear();
                self.best.extend_from_slice(self.learner.policy().theta());
            }
            _ => self.kept.since += 1,
        }
        if self.kept.since >= patience {
            self.kept.is_done = true;
            if !self.best.is_empty() {
                self.learner.set_actors(&self.best);
            }
        }
    }

    fn update(&mut self, key: Key) -> Result<()> {
        let rows = self.config.sac.batch;
        if let Some(updates) = self.config.anneal {
            let done = (self.kept.updates as f64 / updates as f64).min(1.0);
            self.learner.slow_actors((0.5 * (1.0 + (PI * done).cos())) as f32);
        }
        let real = self.data.rows()?;
        self.mixture.sample(&[real, &self.imagined], rows, key.child("batch"), &mut self.drawn)?;
        self.batch.reshape(1, rows, real.dims());
        self.batch.put(0, &self.drawn, Discount::Gamma(self.discount), self.learner.space())?;
        self.kept.tally.add(self.learner.update(&self.batch, key)?);
        self.kept.updates += 1;
        Ok(())
    }
}

fn spread(belief: &Ensemble) -> Result<&dyn Spread> {
    belief.spread().ok_or_else(|| Error::unsupported("this model cannot say how unsure it is"))
}

impl Agent for MopoAgent {
    fn act(&mut self, _: &[f32], _: Key, _: &mut [f32], _: &mut dyn Recorder) -> Result<()> {
        Err(Error::unsupported("it learns from data alone: nobody asks it to explore"))
    }

    fn observe(&mut self, _: Transition<'_>) -> Result<()> {
        Err(Error::unsupported("it learns from data alone"))
    }

    fn learn(&mut self, _: u64, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        if self.kept.is_done {
            return Ok(());
        }
        if self.kept.elites.is_empty() {
            recorder.span("model", |recorder| self.fit(key.child("fit"), recorder))?;
        }
        if self.kept.updates.is_multiple_of(self.config.rollouts.every) {
            recorder.span("imagine", |recorder| self.imagine(key.child("rollout"), recorder))?;
            self.kept.tally.record(recorder);
        }
        if self.kept.is_done {
            return Ok(());
        }
        recorder.span("update", |_| self.update(key.child("update")))
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

    fn is_offline(&self) -> bool {
        true
    }

    fn is_done(&self) -> bool {
        self.kept.is_done
    }

    fn save(&self, mut out: &mut dyn Write) -> Result<()> {
        self.data.save(out)?;
        self.imagined.write_to(&mut out)?;
        self.belief.save(out)?;
        self.learner.save(out)?;
        keep::write_numbers(&self.best, out)?;
        keep::write(&self.kept, out)
    }

    fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        self.data.check(from)?;
        let imagined = keep::buffer(&self.imagined, from)?;
        self.belief.load(from)?;
        self.learner.load(from)?;
        let best = keep::read_numbers(from)?;
        let kept: Kept = keep::read(from)?;
        keep::check_members(&kept.elites, self.belief.model().members())?;
        let numbers = self.learner.policy().theta().len();
        if ![0, numbers].contains(&best.len()) {
            let kept = best.len();
            return Err(Error::corrupt(format_args!(
                "a kept policy of {kept} numbers: this one has {numbers}"
            )));
        }
        (self.imagined, self.best, self.kept) = (imagined, best, kept);
        Ok(())
    }
}

impl std::fmt::Debug for MopoAgent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MopoAgent").field("config", &self.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Known;
    use crate::mopo::fast;
    use mbrl_core::{End, NullRecorder, Origin, Rows, Space, Spec};
    use mbrl_models::Uncertainty;
    use std::sync::Arc;

    /// A walk with noise, whose reward is where it is.
    fn walk() -> TransitionBatch {
        let spec = spec();
        let mut data = TransitionBatch::new(spec.dims());
        for t in 0..200_u64 {
            let (x, act) = (Key::root(1).at(t).uniform(), [2.0 * Key::root(2).at(t).uniform() - 1.0]);
            let next = [x + 0.1 * act[0] + 0.05 * Key::root(3).at(t).uniform()];
            let end = if t % 20 == 19 { End::Truncated } else { End::Running };
            let row =
                Transition { obs: &[x], act: &act, next_obs: &next, reward: x, end, origin: Origin::World };
            data.push(row);
        }
        data
    }

    fn spec() -> Spec {
        Spec::new(Space::unbounded(1).unwrap(), Space::symmetric(1, 1.0).unwrap())
    }

    /// An agent after its first update.
    fn learnt(pessimism: Pessimism) -> MopoAgent {
        let mut config = fast(pessimism).unwrap().quick();
        (config.sac.batch, config.termination) = (256, Known::Learnt);
        let setup = Setup { data: Some(Arc::new(walk())), ..Setup::new(spec()) };
        let mut agent = MopoAgent::new("mopo", config, &setup, Key::root(0)).unwrap();
        agent.learn(1, Key::root(4), &mut NullRecorder).unwrap();
        agent
    }

    #[test]
    fn imagined_rewards_pay_for_doubt_and_recorded_ones_do_not() {
        let (lambda, uncertainty) = (2.0, Uncertainty::MaxStdNorm.published());
        let (bare, paid) = (learnt(Pessimism::None), learnt(Pessimism::Penalty { lambda, uncertainty }));
        let spread = bare.belief.spread().unwrap();
        let gauge = Gauge::new(uncertainty, &bare.kept.elites, spread).unwrap();
        // Some end early, as the model has learnt little of ends.
        assert!(bare.imagined.len() == paid.imagined.len() && paid.imagined.len() > 64);
        for (bare, paid) in bare.imagined.iter().zip(paid.imagined.iter()) {
            assert_eq!((bare.obs, bare.act, bare.next_obs), (paid.obs, paid.act, paid.next_obs));
            let mut unsure = [0.0];
            let (obs, act) = (Rows::single(bare.obs), Rows::single(bare.act));
            gauge.measure(spread, obs, act, &mut unsure, &mut Scratch::default()).unwrap();
            let due = f64::from(bare.reward) - lambda * f64::from(unsure[0]);
            assert!(unsure[0] > 1e-3 && (f64::from(paid.reward) - due).abs() < 1e-6, "{} {due}", paid.reward);
        }
        // int(256 · 0.05) rows are recorded ones, whose reward is what it was: where they were.
        let real = paid.drawn.iter().filter(|row| row.origin == Origin::World);
        let rewards: Vec<_> = real.map(|row| (row.reward, row.obs[0])).collect();
        assert!(
            rewards.len() == 12 && rewards.iter().all(|(reward, x)| (reward - x).abs() < 1e-9),
            "{rewards:?}"
        );
    }
}
