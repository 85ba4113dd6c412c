//! A trained agent, to act with.

use crate::trainer::whole;
use crate::{Agent, RunConfig, RunDir, Setup};
use mbrl_core::{Error, Result};

/// An agent as a run left it.
pub struct Trained {
    /// The agent.
    pub agent: Box<dyn Agent>,
    /// Steps that it has learnt from.
    pub env_steps: u64,
    /// How it was trained.
    pub config: RunConfig,
    /// What is to be told: checkpoints that were damaged, so that an older one was loaded.
    pub warnings: Vec<String>,
}

/// The agent of a run as its newest checkpoint has it, if its configuration is still the one that it was trained under. `setup` is that of the environment that it was trained in.
pub fn load_agent(run: &RunDir, setup: &Setup) -> Result<Trained> {
    let config = run.config()?;
    let mut agent = config.build(setup)?;
    let now = whole(&config)?;
    let Some(found) = run.load_newest(agent.as_mut(), &|saved| saved.check_config(&now))? else {
        run.check_never_saved(&config)?;
        return Err(Error::invalid(format_args!(
            "{} has no checkpoint yet: train it by --resume, which begins it anew",
            run.path().display()
        )));
    };
    let (env_steps, warnings) = (found.head.state.progress.env_steps, found.warnings());
    Ok(Trained { agent, env_steps, config, warnings })
}

impl std::fmt::Debug for Trained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trained").field("env_steps", &self.env_steps).finish_non_exhaustive()
    }
}
