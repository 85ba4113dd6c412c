//! An environment of one's own, trained in and gone on with: `cargo run --release -p mbrl-agents --example own_env`.

use mbrl_agents::{Manifest, RunConfig, RunDir, Setup, Summary, Trainer};
use mbrl_core::{End, Env, Error, Key, Result, Space, Spec, Step, SystemClock, Task};
use std::path::Path;
use std::sync::Arc;

/// A number that is to be pushed to zero; `None` between episodes.
struct Nudge(Spec, Option<f32>);

impl Nudge {
    fn new() -> Result<Self> {
        let spec = Spec::new(Space::unbounded(1)?, Space::symmetric(1, 1.0)?);
        Ok(Nudge(Spec { time_limit: Some(50), ..spec }, None))
    }
}

impl Env for Nudge {
    fn spec(&self) -> &Spec {
        &self.0
    }

    fn reset(&mut self, key: Key, obs: &mut [f32]) -> Result<()> {
        obs[0] = *self.1.insert(key.uniform());
        Ok(())
    }

    fn step(&mut self, act: &[f32], _: Key, obs: &mut [f32]) -> Result<Step> {
        let x = self.1.ok_or_else(|| Error::invalid("no episode is running: reset first"))?;
        self.0.check_action(act)?;
        obs[0] = x + 0.3 * act[0].clamp(-1.0, 1.0);
        let end = if obs[0].abs() > 2.0 { End::Terminated } else { End::Running };
        self.1 = (!end.is_end()).then_some(obs[0]);
        Ok(Step { reward: -obs[0].abs(), end })
    }
}

/// Trains in `folder`, or goes on with what is there.
pub(crate) fn train(folder: &Path) -> Result<Summary> {
    let env = Nudge::new()?;
    let task =
        Task::unknown().rewarding(|_, _, next| -next[0].abs()).terminating(|_, _, next| next[0].abs() > 2.0);
    let config = RunConfig { env: "nudge".to_owned(), steps: 2_000, ..RunConfig::new("random", None)? };
    let agent = config.build(&Setup { task, ..Setup::new(env.spec().clone()) })?;
    let run = RunDir::open_or_create(folder, &config, &Manifest::new(config.seed))?;
    let trainer =
        Trainer::new(config.training(), Box::new(env), agent)?.evaluate_in(Box::new(Nudge::new()?))?;
    trainer.keep_in(run, Arc::new(SystemClock::default())).run()
}

fn main() -> Result<()> {
    train(&std::env::temp_dir().join("nudge")).map(|_| ())
}
