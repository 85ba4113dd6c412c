//! The one loop that acts in a real environment.

mod keys;
mod restore;
mod state;

use crate::evaluation::{cut, evaluate_watched};
use crate::recorder::{Fan, Pending};
use crate::store::{Journal, Lengths};
use crate::{
    Agent, Callback, Evaluation, Event, Flow, JsonlRecorder, RunDir, Standing, TargetReturn, TrainConfig,
    checkpoint,
};
use keys::Keys;
use mbrl_core::{Clock, Context, Env, Error, Origin, Recorder, Result, Rows, Transition};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

use state::{Episode, Progress};
pub(crate) use state::{Saved, whole};

/// The one loop that acts in a real environment: it steps (an agent that learns from data alone only learns), hands what came of it to the agent, evaluates, records, saves,
/// and goes on after a crash.
///
/// It is made of parts, not of names, so that an environment of one's own will do: `examples/own_env.rs` is such a program.
///
/// What it computes depends on the configuration alone. Killed at any instant and run again, it goes on from the last
/// checkpoint and the metrics are in the end those of a run that was never killed, byte for byte, if the environment has
/// snapshots or does again what it did under the same keys and actions.
///
/// A run that is kept can be gone on with for more steps than it was begun with. Its metrics are then those of a run that was
/// begun with all of them, but for one evaluation that such a run does not have: where it ended first, unless one was due
/// there. What is learnt is the same to the bit.
pub struct Trainer {
    config: TrainConfig,
    keys: Keys,
    env: Box<dyn Env>,
    eval_env: Option<Box<dyn Env>>,
    agent: Box<dyn Agent>,
    callbacks: Vec<Box<dyn Callback>>,
    records: Fan,
    run: Option<RunDir>,
    journal: Option<Journal>,
    // All of the run's configuration, as its checkpoints keep it.
    whole: Value,
    // Where the last call of `run` left the files, for the next to go on from.
    left: Option<(Lengths, Pending)>,
    progress: Progress,
    episode: Episode,
    exact_resume: bool,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Steps done in the real environment.
    pub env_steps: u64,
    /// Episodes that are over.
    pub episodes: u64,
    /// The last evaluation.
    pub last: Option<Evaluation>,
    /// The one with the largest mean return, the earliest of several.
    pub best: Option<Evaluation>,
    /// Why it stopped.
    pub stopped: Stopped,
    /// Whether the metrics are those that a run never interrupted would have written.
    pub exact_resume: bool,
}

/// Why a run stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// All steps are done.
    Done,
    /// A callback, or the agent itself, said that it has reached what it was for.
    Finished,
    /// A callback interrupted it; it can be resumed.
    Interrupted,
}

impl Trainer {
    /// Trains `agent` in `env`. By itself it evaluates nothing, records nothing and keeps nothing.
    pub fn new(config: TrainConfig, env: Box<dyn Env>, agent: Box<dyn Agent>) -> Result<Self> {
        config.validate()?;
        env.spec().validate()?;
        let target = config.eval.target.map(|target| Box::new(TargetReturn(target)) as Box<dyn Callback>);
        Ok(Trainer {
            config,
            keys: Keys::new(config.key()),
            episode: Episode::new(env.spec().dims()),
            env,
            eval_env: None,
            agent,
            callbacks: target.into_iter().collect(),
            records: Fan::default(),
            run: None,
            journal: None,
            whole: Value::Null,
            left: None,
            progress: Progress::default(),
            exact_resume: true,
        })
    }

    /// Evaluates in an environment of the same make, so that the one that is trained in is left in peace.
    pub fn evaluate_in(mut self, env: Box<dyn Env>) -> Result<Self> {
        if env.spec() != self.env.spec() {
            return Err(Error::invalid(
                "the environment to evaluate in has another spec than the one to train in: make both alike",
            ));
        }
        self.eval_env = Some(env);
        Ok(self)
    }

    /// Tells `callback` what happens.
    #[must_use]
    pub fn watch(mut self, callback: impl Callback + 'static) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Records to `recorder`, beside the run directory where there is one.
    #[must_use]
    pub fn record_to(mut self, recorder: impl Recorder + 'static) -> Self {
        self.records.others.push(Box::new(recorder));
        self
    }

    /// Keeps everything in `run`, and goes on with it where it has been begun. `clock` tells how long things take.
    ///
    /// Its configuration must be the one that this trainer was given, and that its checkpoints were written under. Only the
    /// steps may be others, if no fewer than are done: they are then noted in its `config.json`.
    #[must_use]
    pub fn keep_in(mut self, run: RunDir, clock: Arc<dyn Clock>) -> Self {
        self.records.jsonl = Some(JsonlRecorder::new(clock));
        self.run = Some(run);
        self
    }

    /// Trains until all steps are done, or a callback wants no more. Called again, it goes on as if it had not stopped.
    pub fn run(&mut self) -> Result<Summary> {
        match self.run.clone() {
            Some(run) if self.journal.is_none() => self.restore(&run)?,
            _ => self.pick_up()?,
        }
        let mut interrupt = self.tell(Event::Started)?;
        let stopped = loop {
            self.drain()?;
            if !interrupt && self.is_evaluation_due() {
                interrupt = self.evaluate()?;
            }
            if interrupt {
                self.checkpoint()?;
                break Stopped::Interrupted;
            }
            if self.is_done() {
                self.checkpoint()?;
                break if self.progress.finished_early { Stopped::Finished } else { Stopped::Done };
            }
            let is_due = self.progress.env_steps > 0
                && self.progress.env_steps.is_multiple_of(self.config.checkpoint.every);
            interrupt = is_due && self.checkpoint()?;
            interrupt |= self.step()?;
        };
        self.lay_down()?;
        Ok(Summary {
            env_steps: self.progress.env_steps,
            episodes: self.progress.episodes,
            last: self.progress.last.clone(),
            best: self.progress.best.clone(),
            stopped,
            exact_resume: self.exact_resume,
        })
    }

    /// The agent as it is now.
    pub fn agent(&self) -> &dyn Agent {
        self.agent.as_ref()
    }

    fn is_done(&self) -> bool {
        self.progress.finished_early || self.progress.env_steps >= self.config.steps
    }

    fn is_evaluation_due(&self) -> bool {
        let now = self.progress.env_steps;
        self.eval_env.is_some()
            && self.progress.evaluated_at != Some(now)
            && (now.is_multiple_of(self.config.eval.every) || self.is_done())
    }

    /// One step in the real environment, and what is learnt from it. This and what follows say whether the run is to be
    /// interrupted.
    fn step(&mut self) -> Result<bool> {
        let number = self.progress.env_steps + 1;
        let interrupt = self.try_step(number).with_context(|| format!("step {number}"))?;
        let standing = self.standing();
        let wish = tell(eager(&mut self.callbacks, number), Event::Stepped, standing)?;
        Ok(interrupt | self.heed(wish))
    }

    fn try_step(&mut self, number: u64) -> Result<bool> {
        let Trainer { episode, env, agent, records, keys, .. } = self;
        if agent.is_offline() {
            records.at(number);
            agent.learn(number, keys.learn.at(number), records)?;
            self.progress.finished_early |= agent.is_done();
            self.progress.env_steps = number;
            return Ok(false);
        }
        if !episode.is_running {
            env.reset(keys.reset.at(self.progress.episodes), &mut episode.obs).context("reset")?;
            check_finite(&episode.obs)?;
            episode.begin(self.progress.env_steps);
        }
        records.at(number);
        agent.act(&episode.obs, keys.policy.at(number), &mut episode.act, records)?;
        let step = env.step(&episode.act, keys.world.at(number), &mut episode.next_obs)?;
        check_finite(&episode.next_obs)?;
        if !step.reward.is_finite() {
            return Err(Error::non_finite(format_args!("the reward is {}", step.reward)));
        }
        episode.actions.extend_from_slice(&episode.act);
        episode.length += 1;
        episode.total += f64::from(step.reward);
        let end = cut(step.end, episode.length, env.spec().time_limit.map(u64::from));
        agent.observe(Transition {
            obs: &episode.obs,
            act: &episode.act,
            next_obs: &episode.next_obs,
            reward: step.reward,
            end,
            origin: Origin::World,
        })?;
        agent.learn(number, keys.learn.at(number), records)?;
        std::mem::swap(&mut episode.obs, &mut episode.next_obs);
        self.progress.env_steps = number;
        if !end.is_end() {
            return Ok(false);
        }
        episode.is_running = false;
        self.progress.episodes += 1;
        let (total, length) = (episode.total, episode.length);
        records.scalar("train/episode", self.progress.episodes as f64);
        records.scalar("train/length", length as f64);
        records.scalar("train/return", total);
        self.tell(Event::EpisodeEnded { total, length, end })
    }

    fn evaluate(&mut self) -> Result<bool> {
        let standing = self.standing();
        let Some(env) = &mut self.eval_env else {
            return Ok(false);
        };
        let env_steps = self.progress.env_steps;
        let (callbacks, mut steps, mut wish) = (&mut self.callbacks, 0_u64, Wish::default());
        let mut watch = |episodes| {
            steps += 1;
            wish = wish | tell(eager(callbacks, steps), Event::Evaluating { episodes }, standing)?;
            Ok(if wish.interrupt { Flow::Interrupt } else { Flow::Continue })
        };
        self.records.at(env_steps);
        self.records.enter("eval");
        let mut actor = self.agent.actor()?;
        let episodes = self.config.eval.episodes;
        let done = evaluate_watched(actor.as_mut(), env.as_mut(), episodes, self.keys.eval, &mut watch)
            .with_context(|| format!("evaluation after step {env_steps}"))?;
        if done.is_some() {
            actor.record(&mut self.records);
        }
        drop(actor);
        self.records.leave();
        let interrupt = self.heed(wish);
        let Some(done) = done else {
            return Ok(interrupt);
        };
        let evaluation = Evaluation { env_steps, ..done };
        self.records.scalar("eval/length", evaluation.mean_length());
        self.records.scalar("eval/return", evaluation.mean_return());
        if let Some(std) = crate::stats::sample_std(&evaluation.returns) {
            self.records.scalar("eval/return_std", std);
        }
        let is_best =
            self.progress.best.as_ref().is_none_or(|best| evaluation.mean_return() > best.mean_return());
        if is_best {
            self.progress.best = Some(evaluation.clone());
        }
        self.progress.evaluated_at = Some(env_steps);
        let told = self.tell(Event::Evaluated(&evaluation))?;
        self.progress.last = Some(evaluation);
        Ok(interrupt | told)
    }

    /// Brings all of the run to the disk, where it has a directory.
    fn checkpoint(&mut self) -> Result<bool> {
        let (Some(journal), Some(jsonl)) = (&mut self.journal, &mut self.records.jsonl) else {
            return Ok(false);
        };
        jsonl.enter("checkpoint");
        journal.append(jsonl)?;
        let dims = self.env.spec().dims();
        let state = Saved {
            config: self.whole.clone(),
            dims: [dims.obs, dims.act],
            progress: self.progress.clone(),
            episode: self.episode.to_saved(),
            lengths: journal.sync()?,
            pending: jsonl.pending().into(),
        };
        let snapshot = self.episode.is_running.then(|| self.env.snapshot()).flatten();
        let agent = self.agent.as_ref();
        journal.checkpoint(self.progress.env_steps, |out| {
            checkpoint::write(out, &state, snapshot.as_ref(), agent)
        })?;
        if let (Some(run), Some(policy)) = (&self.run, agent.network()) {
            run.write_policy(&policy)?;
        }
        jsonl.leave();
        self.tell(Event::Checkpointed)
    }

    /// Takes the lines that are complete to their files.
    fn drain(&mut self) -> Result<()> {
        match (&mut self.journal, &mut self.records.jsonl) {
            (Some(journal), Some(jsonl)) => journal.append(jsonl),
            _ => Ok(()),
        }
    }

    fn standing(&self) -> Standing {
        let Progress { env_steps, episodes, .. } = self.progress;
        Standing { env_steps, steps: self.config.steps, episodes }
    }

    fn tell(&mut self, event: Event<'_>) -> Result<bool> {
        let standing = self.standing();
        let wish = tell(self.callbacks.iter_mut(), event, standing)?;
        Ok(self.heed(wish))
    }

    /// That a run has reached what it was for is noted at once: it must not be forgotten where it is interrupted as well.
    fn heed(&mut self, wish: Wish) -> bool {
        self.progress.finished_early |= wish.finish;
        wish.interrupt
    }
}

/// What callbacks wish for, taken together.
#[derive(Clone, Copy, Default)]
struct Wish {
    finish: bool,
    interrupt: bool,
}

impl std::ops::BitOr for Wish {
    type Output = Wish;

    fn bitor(self, other: Wish) -> Wish {
        Wish { finish: self.finish | other.finish, interrupt: self.interrupt | other.interrupt }
    }
}

/// Those who want to hear of this many steps.
fn eager(callbacks: &mut [Box<dyn Callback>], steps: u64) -> impl Iterator<Item = &mut Box<dyn Callback>> {
    callbacks
        .iter_mut()
        .filter(move |callback| callback.every().is_some_and(|every| steps.is_multiple_of(every)))
}

fn tell<'a>(
    callbacks: impl Iterator<Item = &'a mut Box<dyn Callback>>,
    event: Event<'_>,
    standing: Standing,
) -> Result<Wish> {
    let wish = |flow| Wish { finish: flow == Flow::Finish, interrupt: flow == Flow::Interrupt };
    callbacks
        .map(|callback| callback.on(event, standing))
        .try_fold(Wish::default(), |all, flow| Ok(all | wish(flow?)))
}

/// An environment that observes nonsense is to be found out at once, not when it has been learnt from.
fn check_finite(obs: &[f32]) -> Result<()> {
    match Rows::single(obs).find_non_finite() {
        None => Ok(()),
        Some((_, i)) => {
            Err(Error::non_finite(format_args!("observation[{i}] is {}: mend the environment", obs[i])))
        }
    }
}

impl fmt::Debug for Trainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trainer")
            .field("config", &self.config)
            .field("progress", &self.progress)
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}
