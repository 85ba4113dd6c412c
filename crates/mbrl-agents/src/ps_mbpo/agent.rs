//! The agent: fits its models, draws a policy, plays an episode with it, and lets every policy learn from what was seen.

use super::population::{Population, Worlds};
use super::sampling::{Earned, entropy};
use super::{Draw, PsMbpoConfig, Sampling};
use crate::mbpo::imagination::Imagination;
use crate::planning::FitAt;
use crate::sac::SacTally;
use crate::{Actor, Agent, Mind, SacLearner, SacPolicy, Setup, SingleRow, draw_index, keep, known};
use mbrl_buffer::ReplayBuffer;
use mbrl_core::{Belief, Context, Error, FitData, Key, Mode, Recorder, Result, Transition, UniformPolicy};
use mbrl_models::Ensemble;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::{Read, Write};

/// Model-based policy optimisation by posterior sampling, uniform or optimistic.
///
/// Its metrics, whenever the models were fitted: what they say of it (`model/…`) and `rollout/return`, what policies earn in
/// their models from the starts of episodes to their time limit, in the mean over policies; whenever they imagine,
/// `rollout/length`, `rollout/rows` and `rollout/lost` as MBPO has them; and at the end of an episode that one policy played
/// `policy/played` (which one, *n·M + m*), `policy/entropy` (of the distribution that the next one is drawn from, in nats) and,
/// where this is optimistic, `policy/weight/n.m`; and `sac/…` in the mean over updates and policies.
pub struct PsMbpoAgent {
    config: PsMbpoConfig,
    discount: f32,
    random: UniformPolicy,
    belief: Ensemble,
    /// Every model: all are imagined in.
    members: Vec<u16>,
    population: Population,
    real: ReplayBuffer,
    imagination: Imagination,
    kept: Kept,
    /// Whether the step observed last ended its episode, or what is taken for one.
    over: bool,
    /// After how many steps an episode is taken for over, where the task sets no limit.
    patience: Option<u64>,
    row: SingleRow,
    rows: Vec<u32>,
}

/// An episode that nothing cuts is taken for over after so many steps: else the models would be fitted once, and the first
/// policy that is drawn would play for ever.
const ENDLESS: u64 = 1_000;

/// What it remembers besides data and networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    steps: u64,
    /// Steps of the running episode: none, where the next one begins it.
    running: u64,
    is_fitted: bool,
    earned: Earned,
    /// Who plays the running episode.
    playing: Option<Playing>,
    tally: SacTally,
}

/// An episode that is being played.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Playing {
    policy: u16,
    total: f64,
    /// Whether it has played from the first step on, so that what is earned is its own.
    is_whole: bool,
}

impl PsMbpoAgent {
    /// An agent that has seen nothing.
    pub fn new(config: PsMbpoConfig, setup: &Setup, key: Key) -> Result<Self> {
        config.validate()?;
        let task = known::given(&setup.task, config.reward, config.termination, |part| {
            format!("set {part} to `learnt`")
        })?;
        let spec = &setup.spec;
        let belief = Ensemble::new(spec, &task, config.model.clone(), key.child("model")).context("model")?;
        Ok(PsMbpoAgent {
            discount: spec.discount,
            random: UniformPolicy::new(spec)?,
            members: (0..config.model.members as u16).collect(),
            belief,
            population: Population::new(&config, spec, key.child("policy"))?,
            real: ReplayBuffer::new(spec.dims(), config.capacity)?,
            imagination: Imagination::new(spec)?,
            kept: Kept {
                steps: 0,
                running: 0,
                is_fitted: false,
                earned: Earned::new(config.agents()?),
                playing: None,
                tally: SacTally::default(),
            },
            over: false,
            patience: spec.time_limit.is_none().then_some(ENDLESS),
            row: SingleRow::default(),
            rows: Vec::new(),
            config,
        })
    }

    /// What it believes.
    pub fn belief(&self) -> &Ensemble {
        &self.belief
    }

    /// What learns to act: policy *n·M + m* is the *m*-th of model *n*.
    pub fn learner(&self) -> &SacLearner {
        &self.population.learner
    }

    /// What it has seen: D_E.
    pub fn real(&self) -> &ReplayBuffer {
        &self.real
    }

    /// What each policy has imagined in its model and not forgotten: D_M of each pair.
    pub fn imagined(&self) -> &[ReplayBuffer] {
        self.population.imagined()
    }

    /// How likely each policy is to be drawn by now.
    pub fn weights(&self) -> Vec<f64> {
        match self.config.draw {
            Draw::Episode | Draw::Step => self.kept.earned.weights(self.config.sampling),
            Draw::Never => (0..self.kept.earned.policies()).map(|i| f64::from(u8::from(i == 0))).collect(),
        }
    }

    fn fit(&mut self, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        self.rows.clear();
        self.rows.extend(0..self.real.len() as u32);
        let data = FitData { data: &self.real, train: &self.rows, holdout: &[] };
        self.belief.fit(data, key, recorder).context("fitting the models")?;
        self.kept.is_fitted = true;
        Ok(())
    }

    fn imagine(&mut self, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        let PsMbpoAgent { config, belief, members, population, real, imagination, kept, .. } = self;
        let length = config.rollouts.length.at(kept.steps / config.rollouts.epoch);
        population.resize(config.kept(length)?)?;
        let worlds = Worlds { model: belief.model(), members, policies: config.policies as u16 };
        let (rollout, from) = (worlds.rollout(length), (&*real, config.rollouts.starts));
        let effort =
            population.imagine(rollout, imagination, from, key.child("branch")).context("imagining")?;
        recorder.scalar("rollout/length", length as f64);
        recorder.scalar("rollout/rows", effort.steps as f64);
        recorder.scalar("rollout/lost", effort.lost as f64);
        Ok(())
    }

    /// Says what policies hope for: what they earn in their models.
    fn hope(&mut self, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        let PsMbpoAgent { config, belief, members, population, real, imagination, .. } = self;
        let worlds = Worlds { model: belief.model(), members, policies: config.policies as u16 };
        let policy = population.learner.policy();
        let earned = imagination.earn(worlds.rollout(1), policy, real, false, key.child("earn"));
        if let Some(earned) = earned.context("imagining episodes")? {
            recorder.scalar("rollout/return", earned.mean);
        }
        Ok(())
    }

    /// Whether the models are to be fitted after this step: before the first episode that is not at random, and as often
    /// as they are to be from then on.
    fn is_fit_due(&self) -> bool {
        let Some(since) = self.kept.steps.checked_sub(self.config.initial_steps) else {
            return false;
        };
        match self.config.fit {
            FitAt::EpisodeEnd => self.over || !self.kept.is_fitted,
            FitAt::Steps(every) => since.is_multiple_of(every),
        }
    }

    fn update(&mut self, key: Key) -> Result<()> {
        let losses = self.population.update(&self.real, self.discount, key)?;
        self.kept.tally.add(losses);
        Ok(())
    }

    /// Where an episode has ended, says who played it, how its updates went, and who may play the next.
    fn close(&mut self, recorder: &mut dyn Recorder) {
        if !std::mem::take(&mut self.over) {
            return;
        }
        let playing = self.kept.playing.take();
        if let Some(Playing { policy, .. }) = playing.filter(|_| self.config.draw != Draw::Step) {
            let weights = self.weights();
            recorder.scalar("policy/played", f64::from(policy));
            recorder.scalar("policy/entropy", entropy(&weights));
            if self.config.sampling != Sampling::Uniform {
                for (i, weight) in weights.iter().enumerate() {
                    let (n, m) = (i / self.config.policies, i % self.config.policies);
                    recorder.scalar(&format!("policy/weight/{n}.{m}"), *weight);
                }
            }
        }
        self.kept.tally.record(recorder);
    }
}

impl Agent for PsMbpoAgent {
    fn act(&mut self, obs: &[f32], key: Key, act: &mut [f32], _: &mut dyn Recorder) -> Result<()> {
        if self.kept.steps < self.config.initial_steps {
            return self.row.act(&self.random, Mode::Sample, obs, key, act);
        }
        let policy = match (self.config.draw, self.kept.playing) {
            (Draw::Episode | Draw::Never, Some(Playing { policy, .. })) => policy,
            _ => drawn(&self.weights(), key),
        };
        if self.kept.playing.is_none() {
            // An episode that began at random is nobody's.
            self.kept.playing = Some(Playing { policy, total: 0.0, is_whole: self.kept.running == 0 });
        }
        self.row.act_as(self.population.learner.policy(), policy, Mode::Sample, obs, key, act)
    }

    fn observe(&mut self, transition: Transition<'_>) -> Result<()> {
        self.real.push(transition)?;
        self.kept.steps += 1;
        self.kept.running += 1;
        self.over = transition.end.is_end() || self.patience.is_some_and(|most| self.kept.running >= most);
        if self.over {
            self.kept.running = 0;
        }
        if let Some(playing) = &mut self.kept.playing {
            playing.total += f64::from(transition.reward);
            if self.over && playing.is_whole && self.config.draw != Draw::Step {
                self.kept.earned.add(playing.policy, playing.total);
            }
        }
        Ok(())
    }

    fn learn(&mut self, _: u64, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        let is_fresh = self.is_fit_due();
        if is_fresh {
            recorder.span("model", |recorder| self.fit(key.child("fit"), recorder))?;
        }
        if self.kept.is_fitted {
            let since = self.kept.steps - self.config.initial_steps;
            if since.is_multiple_of(self.config.rollout_every) {
                recorder.span("imagine", |recorder| self.imagine(key.child("rollout"), recorder))?;
            }
            if is_fresh {
                recorder.span("imagine", |recorder| self.hope(key.child("rollout"), recorder))?;
            }
            let keys = key.child("update").below();
            let updates = self.config.updates_per_step;
            recorder.span("update", |_| (0..updates).try_for_each(|i| self.update(keys.at(i))))?;
        }
        self.close(recorder);
        Ok(())
    }

    fn cut(&mut self) -> Result<()> {
        self.real.cut_episodes();
        (self.kept.playing, self.kept.running) = (None, 0);
        Ok(())
    }

    fn actor(&self) -> Result<Box<dyn Actor + '_>> {
        let (policy, row) = (self.population.learner.policy(), SingleRow::default());
        Ok(Box::new(Drawn { policy, weights: self.weights(), playing: None, row }))
    }

    fn mind(&self) -> Option<Mind<'_>> {
        self.kept.is_fitted.then_some(Mind { belief: &self.belief, members: &self.members })
    }

    /// The likeliest of its policies.
    fn network(&self) -> Option<Cow<'_, SacPolicy>> {
        let favourite = match self.config.draw {
            Draw::Never => 0,
            Draw::Episode | Draw::Step => self.kept.earned.favourite(self.config.sampling),
        };
        self.population.learner.policy().only(favourite).ok().map(Cow::Owned)
    }

    fn replay(&self) -> Option<&ReplayBuffer> {
        Some(&self.real)
    }

    fn save(&self, mut out: &mut dyn Write) -> Result<()> {
        self.real.write_to(&mut out)?;
        self.belief.save(out)?;
        self.population.save(out)?;
        keep::write(&self.kept, out)
    }

    fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        let real = keep::buffer(&self.real, from)?;
        self.belief.load(from)?;
        self.population.load(from)?;
        let kept: Kept = keep::read(from)?;
        let (has, needs) = (kept.earned.policies(), self.kept.earned.policies());
        let playing = kept.playing.map_or(0, |playing| usize::from(playing.policy));
        if has != needs || playing >= needs {
            return Err(Error::corrupt(format_args!(
                "policy {playing} of {has} played: this agent has {needs}"
            )));
        }
        (self.real, self.kept) = (real, kept);
        Ok(())
    }
}

/// The policy that plays the episode, or the step, which begins with this key.
fn drawn(weights: &[f64], key: Key) -> u16 {
    draw_index(weights, &mut key.child("which").rng()) as u16
}

/// Plays each episode by the mean actions of a policy that is drawn for it.
struct Drawn<'a> {
    policy: &'a SacPolicy,
    weights: Vec<f64>,
    playing: Option<u16>,
    row: SingleRow,
}

impl Actor for Drawn<'_> {
    fn begin(&mut self) -> Result<()> {
        self.playing = None;
        Ok(())
    }

    fn act(&mut self, obs: &[f32], key: Key, act: &mut [f32]) -> Result<()> {
        let playing = *self.playing.get_or_insert_with(|| drawn(&self.weights, key));
        self.row.act_as(self.policy, playing, Mode::Mean, obs, key, act)
    }
}

impl std::fmt::Debug for PsMbpoAgent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PsMbpoAgent").field("config", &self.config).finish_non_exhaustive()
    }
}
