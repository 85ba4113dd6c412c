//! What several tests share.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(dead_code, reason = "each test uses a part of it")]

use mbrl_agents::{
    Actor, Agent, Callback, CheckpointConfig, EvalConfig, Event, Flow, Manifest, RunConfig, RunDir, Setup,
    Standing, Trainer,
};
use mbrl_core::{
    End, Env, Error, Key, Origin, Recorder, Result, Space, Spec, SystemClock, Transition, TransitionBatch,
};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A folder of a test's own, removed when it is done.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mbrl-agents-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A short run in which everything happens several times.
pub(crate) fn config() -> RunConfig {
    RunConfig {
        env: "cartpole".to_owned(),
        steps: 130,
        eval: EvalConfig { every: 40, episodes: 2, target: None },
        checkpoint: CheckpointConfig { every: 20 },
        ..RunConfig::default()
    }
}

/// A trainer of the marked agent.
pub(crate) fn marked(config: &RunConfig, folder: &Path) -> Trainer {
    let make = || mbrl_envs::make("cartpole").unwrap();
    let agent = Mark::of(make().spec());
    kept(config, folder, make(), make(), agent).unwrap()
}

/// What an algorithm is given of a named environment.
pub(crate) fn setup(name: &str) -> Setup {
    let entry = mbrl_envs::find(name).unwrap();
    Setup {
        spec: entry.spec(),
        task: entry.task(),
        oracle: entry.physics(),
        data: Some(Arc::new(random(name, 300))),
    }
}

/// So many transitions at random, for those who learn from data.
pub(crate) fn random(name: &str, rows: usize) -> TransitionBatch {
    let mut env = mbrl_envs::make(name).unwrap();
    let spec = env.spec().clone();
    let mut data = TransitionBatch::new(spec.dims());
    let (mut obs, mut next) = (vec![0.0; spec.obs.dim()], vec![0.0; spec.obs.dim()]);
    let (mut act, key) = (vec![0.0; spec.act.dim()], Key::root(77));
    let (mut length, mut episode) = (0, 0);
    while data.len() < rows {
        let t = data.len() as u64;
        if length == 0 {
            env.reset(key.child("reset").at(episode), &mut obs).unwrap();
            episode += 1;
        }
        let uniforms: Vec<f32> =
            (0..act.len() as u64).map(|i| key.child("act").at(t).at(i).uniform()).collect();
        match &spec.act {
            Space::Box(bounds) if !bounds.is_bounded() => act.copy_from_slice(&uniforms),
            space => space.from_uniforms(&uniforms, &mut act),
        }
        let step = env.step(&act, key.child("world").at(t), &mut next).unwrap();
        length += 1;
        let end =
            if !step.end.is_end() && spec.time_limit == Some(length) { End::Truncated } else { step.end };
        data.push(Transition {
            obs: &obs,
            act: &act,
            next_obs: &next,
            reward: step.reward,
            end,
            origin: Origin::World,
        });
        obs.clone_from(&next);
        length = if end.is_end() { 0 } else { length };
    }
    data
}

/// A trainer of a named algorithm in a named environment, kept in `folder`: begun there, or gone on with.
pub(crate) fn trainer(config: &RunConfig, folder: &Path) -> Result<Trainer> {
    let entry = mbrl_envs::find(&config.env)?;
    kept(config, folder, entry.make(), entry.make(), config.build(&setup(&config.env))?)
}

/// A trainer of these parts, kept in `folder`.
pub(crate) fn kept(
    config: &RunConfig,
    folder: &Path,
    env: Box<dyn Env>,
    eval_env: Box<dyn Env>,
    agent: Box<dyn Agent>,
) -> Result<Trainer> {
    let run = match RunDir::exists(folder) {
        // Not asked whether it is of this configuration, so that the trainer is.
        true => RunDir::open(folder)?,
        false => RunDir::create(folder, config, &Manifest::new(config.seed))?,
    };
    let trainer = Trainer::new(config.training(), env, agent)?.evaluate_in(eval_env)?;
    Ok(trainer.keep_in(run, Arc::new(SystemClock::default())))
}

pub(crate) fn metrics(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("metrics.jsonl")).unwrap()
}

/// All that an agent would save.
pub(crate) fn saved(agent: &dyn Agent) -> Vec<u8> {
    let mut bytes = Vec::new();
    agent.save(&mut bytes).unwrap();
    bytes
}

/// Fails after so many steps of training, as a crash would, without any parting word.
pub(crate) struct CrashAfter(pub(crate) u64);

impl Callback for CrashAfter {
    fn every(&self) -> Option<u64> {
        Some(1)
    }

    fn on(&mut self, event: Event<'_>, at: Standing) -> Result<Flow> {
        match event {
            Event::Stepped if at.env_steps == self.0 => Err(Error::unsupported("a crash")),
            _ => Ok(Flow::Continue),
        }
    }
}

/// Notes what happens, in words.
#[derive(Clone, Default)]
pub(crate) struct Notes(pub(crate) Arc<Mutex<Vec<String>>>);

impl Notes {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        self.all().into_iter().filter(|note| note.starts_with("Warned")).collect()
    }
}

impl Callback for Notes {
    fn on(&mut self, event: Event<'_>, at: Standing) -> Result<Flow> {
        let note = match event {
            Event::Evaluated(_) => format!("Evaluated at {}", at.env_steps),
            other => format!("{other:?} at {}", at.env_steps),
        };
        self.0.lock().unwrap().push(note);
        Ok(Flow::Continue)
    }
}

/// An agent that all it ever saw leaves a mark on: a slip anywhere shows in every number after it.
pub(crate) struct Mark {
    pub(crate) spec: Spec,
    pub(crate) mark: u64,
    pub(crate) cuts: u64,
}

impl Mark {
    pub(crate) fn of(spec: &Spec) -> Box<dyn Agent> {
        Box::new(Mark { spec: spec.clone(), mark: 1, cuts: 0 })
    }

    fn mix(&mut self, word: u64) {
        self.mark = (self.mark ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }

    fn draw(&self, key: Key, act: &mut [f32]) {
        let uniforms: Vec<f32> =
            (0..act.len() as u64).map(|i| key.at(self.mark % 1024 + i).uniform()).collect();
        match &self.spec.act {
            Space::Box(bounds) if !bounds.is_bounded() => act.copy_from_slice(&uniforms),
            space => space.from_uniforms(&uniforms, act),
        }
    }
}

impl Agent for Mark {
    fn act(&mut self, obs: &[f32], key: Key, act: &mut [f32], _: &mut dyn Recorder) -> Result<()> {
        obs.iter().for_each(|x| self.mix(u64::from(x.to_bits())));
        self.draw(key, act);
        Ok(())
    }

    fn observe(&mut self, transition: Transition<'_>) -> Result<()> {
        let Transition { obs, act, next_obs, reward, end, .. } = transition;
        let numbers = obs.iter().chain(act).chain(next_obs).chain([&reward]);
        numbers.for_each(|x| self.mix(u64::from(x.to_bits())));
        self.mix(end as u64);
        Ok(())
    }

    fn learn(&mut self, env_steps: u64, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        self.mix(key.bits());
        if env_steps.is_multiple_of(7) {
            recorder.scalar("mark", (self.mark >> 11) as f64);
            recorder.scalar("never", f64::NAN);
        }
        Ok(())
    }

    fn actor(&self) -> Result<Box<dyn Actor + '_>> {
        Ok(Box::new(MarkActor(self)))
    }

    fn save(&self, out: &mut dyn Write) -> Result<()> {
        out.write_all(&self.mark.to_le_bytes()).map_err(Error::io)?;
        out.write_all(&self.cuts.to_le_bytes()).map_err(Error::io)
    }

    fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        let mut bytes = [0; 8];
        from.read_exact(&mut bytes).map_err(Error::io)?;
        self.mark = u64::from_le_bytes(bytes);
        from.read_exact(&mut bytes).map_err(Error::io)?;
        self.cuts = u64::from_le_bytes(bytes);
        Ok(())
    }

    fn cut(&mut self) -> Result<()> {
        self.cuts += 1;
        self.mix(self.cuts);
        Ok(())
    }
}

struct MarkActor<'a>(&'a Mark);

impl Actor for MarkActor<'_> {
    fn begin(&mut self) -> Result<()> {
        Ok(())
    }

    fn act(&mut self, _: &[f32], key: Key, act: &mut [f32]) -> Result<()> {
        self.0.draw(key, act);
        Ok(())
    }
}

/// Remembers every number that was recorded, in order; clones remember the same.
#[derive(Clone, Default)]
pub(crate) struct Records {
    env_steps: u64,
    all: Arc<Mutex<Vec<(u64, String, f64)>>>,
}

impl Records {
    /// What was recorded under a name, and after how many steps.
    pub(crate) fn of(&self, name: &str) -> Vec<(u64, f64)> {
        let all = self.all.lock().unwrap();
        all.iter().filter(|(_, known, _)| known == name).map(|(at, _, value)| (*at, *value)).collect()
    }

    /// All of it, but what begins with `prefix`; numbers as bits.
    pub(crate) fn without(&self, prefix: &str) -> Vec<(u64, String, u64)> {
        let all = self.all.lock().unwrap();
        let kept = all.iter().filter(|(_, name, _)| !name.starts_with(prefix));
        kept.map(|(at, name, value)| (*at, name.clone(), value.to_bits())).collect()
    }
}

impl Recorder for Records {
    fn at(&mut self, env_steps: u64) {
        self.env_steps = env_steps;
    }

    fn scalar(&mut self, name: &str, value: f64) {
        self.all.lock().unwrap().push((self.env_steps, name.to_owned(), value));
    }

    fn enter(&mut self, _: &'static str) {}
    fn leave(&mut self) {}
}
