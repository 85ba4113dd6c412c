//! The configuration of a run: complete, so that it can be run again from its file alone.

mod path;

use crate::{Agent, Algorithm, QUICK_STEPS, Setup, TrainConfig, algorithm};
use crate::{CheckpointConfig, EvalConfig};
use mbrl_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use path::leaves;

/// All that decides what a run computes, as it stands in its `config.json`.
///
/// ```
/// use mbrl_agents::RunConfig;
///
/// let mut config = RunConfig::new("random", None)?;
/// config.set("eval.episodes=3")?;
/// assert_eq!(config.eval.episodes, 3);
/// let error = config.set("eval.episode=3").unwrap_err();
/// assert_eq!(error.to_string(), "--set eval.episode: there is no such setting: did you mean `eval.episodes`?");
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// The environment, by name.
    pub env: String,
    /// The algorithm, by name.
    pub algo: String,
    /// The preset that the algorithm's settings began as.
    pub preset: String,
    /// The file of the dataset that is learnt from, where it is one.
    pub data: Option<String>,
    /// What all randomness of the run grows from.
    pub seed: u64,
    /// Steps in the real environment; updates, of an algorithm that learns from a dataset.
    pub steps: u64,
    /// How it is evaluated.
    pub eval: EvalConfig,
    /// When it is saved.
    pub checkpoint: CheckpointConfig,
    /// All settings of the algorithm.
    pub agent: Value,
}

/// `random` on the pendulum.
impl Default for RunConfig {
    fn default() -> Self {
        let TrainConfig { seed, steps, eval, checkpoint } = TrainConfig::default();
        let (algo, preset) = ("random".to_owned(), "plain".to_owned());
        let agent = Value::Object(serde_json::Map::new());
        RunConfig {
            env: "pendulum".to_owned(),
            algo,
            preset,
            data: None,
            seed,
            steps,
            eval,
            checkpoint,
            agent,
        }
    }
}

impl RunConfig {
    /// The configuration of an algorithm in a preset, or in its first.
    pub fn new(algo: &str, preset: Option<&str>) -> Result<Self> {
        let algorithm = algorithm::find(algo)?;
        let preset = preset.unwrap_or(algorithm.presets[0].name);
        let agent = algorithm.config(preset)?;
        Ok(RunConfig { algo: algo.to_owned(), preset: preset.to_owned(), agent, ..RunConfig::default() })
    }

    /// Reads what stands in a `config.json`.
    pub fn from_json(text: &str) -> Result<Self> {
        let config: RunConfig = serde_json::from_str(text).map_err(Error::invalid)?;
        config.validate()?;
        // Written out as it would be today, so that equal settings are equal.
        let agent = config.algorithm()?.shape(&config.agent)?;
        Ok(RunConfig { agent, ..config })
    }

    /// Sets the value at a dotted path, given as `path=value`: `eval.episodes=3`, `agent.hidden.0=64`. What is set must be
    /// there already; the value is read as JSON where it is, and is taken as a word otherwise.
    pub fn set(&mut self, assignment: &str) -> Result<()> {
        *self = self.with(&[assignment])?;
        Ok(())
    }

    /// Sets several values one after the other; they need only fit together when all of them are set. Where they do not, nothing
    /// is set.
    pub fn set_all(&mut self, assignments: &[impl AsRef<str>]) -> Result<()> {
        let assignments: Vec<&str> = assignments.iter().map(AsRef::as_ref).collect();
        *self = self.with(&assignments)?;
        Ok(())
    }

    /// This configuration with these values.
    fn with(&self, assignments: &[&str]) -> Result<RunConfig> {
        let (mut changed, mut paths) = (self.clone(), Vec::new());
        for assignment in assignments {
            let Some((at, value)) = assignment.split_once('=') else {
                return Err(Error::invalid(format_args!("--set {assignment}: write it as path=value")));
            };
            paths.push(at);
            changed = changed.assigned(at, value).with_context(|| format!("--set {at}"))?;
        }
        changed.validate().with_context(|| format!("--set {}", paths.join(", ")))?;
        Ok(changed)
    }

    /// This configuration with one more value, which may still have to be refused.
    fn assigned(&self, at: &str, value: &str) -> Result<RunConfig> {
        if let "algo" | "preset" = at {
            return Err(Error::invalid("the settings below `agent` hang on it: choose it by its own flag"));
        }
        if at == "data" {
            return Err(Error::invalid("it is read before anything is set: choose it by its own flag"));
        }
        let mut tree = serde_json::to_value(self).map_err(Error::backend)?;
        let place = path::find(&mut tree, at)?;
        let word = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        // The name of a choice that has settings of its own stands for these as they are by themselves.
        let choice = match (&*place, &word) {
            (Value::Object(_), Value::String(name)) => Some(serde_json::json!({ name.as_str(): {} })),
            _ => None,
        };
        *place = word;
        let read = |tree: Value| -> Result<RunConfig> {
            let changed: RunConfig = serde_json::from_value(tree).map_err(Error::invalid)?;
            // Written out again, so that an object which was given in part stands there whole.
            let agent = changed.algorithm()?.shape(&changed.agent)?;
            Ok(RunConfig { agent, ..changed })
        };
        let as_choice = choice.and_then(|choice| {
            let mut tree = tree.clone();
            *path::find(&mut tree, at).ok()? = choice;
            read(tree).ok()
        });
        read(tree).or_else(|error| as_choice.ok_or(error))
    }

    /// Takes the settings that the source of its preset uses on the dataset of this name, where it says which.
    pub fn suit(&mut self, dataset: &str) -> Result<()> {
        self.agent = self.algorithm()?.suited(&self.preset, dataset, &self.agent)?;
        Ok(())
    }

    /// Cuts the run down to one that shows within seconds that all of it works: few steps, one episode to evaluate, and the
    /// algorithm's own [quick](crate::Method::quick) settings.
    pub fn make_quick(&mut self) -> Result<()> {
        self.agent = self.algorithm()?.quick(&self.agent)?;
        self.steps = 3 * QUICK_STEPS;
        self.eval = EvalConfig { every: self.steps, episodes: 1, target: None };
        self.checkpoint = CheckpointConfig { every: QUICK_STEPS };
        Ok(())
    }

    /// Refuses what cannot be run, in the algorithm's settings too.
    pub fn validate(&self) -> Result<()> {
        self.training().validate()?;
        self.algorithm()?.complete(&self.agent)?;
        Ok(())
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Result<&'static Algorithm> {
        algorithm::find(&self.algo)
    }

    /// The part that the trainer is given.
    pub fn training(&self) -> TrainConfig {
        TrainConfig { seed: self.seed, steps: self.steps, eval: self.eval, checkpoint: self.checkpoint }
    }

    /// The agent of this run, which has learnt nothing yet.
    pub fn build(&self, setup: &Setup) -> Result<Box<dyn Agent>> {
        self.algorithm()?.build(&self.agent, setup, self.training().agent_key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_checked_as_a_whole() {
        let mut config = RunConfig::new("random", None).unwrap();
        config.set("steps=7").unwrap();
        config.set("env=point-mass").unwrap();
        config.set("eval.target=-3.5").unwrap();
        assert_eq!((config.steps, config.env.as_str(), config.eval.target), (7, "point-mass", Some(-3.5)));
        let before = config.clone();
        for (assignment, said) in [
            ("steps", "--set steps: write it as path=value"),
            ("stepz=1", "--set stepz: there is no such setting: did you mean `steps`?"),
            ("agent.hidden=1", "--set agent.hidden: there is no such setting: `agent` has no settings"),
            ("steps=many", "--set steps: invalid type: string \"many\", expected u64"),
            ("steps=0", "--set steps: 0 steps train nothing"),
            ("eval.episodes=-1", "--set eval.episodes: invalid value: integer `-1`"),
            ("algo=pets", "--set algo: the settings below `agent` hang on it"),
            ("data=x.mbrl", "--set data: it is read before anything is set"),
            ("agent={\"width\":1}", "--set agent: settings of random: unknown field `width`"),
        ] {
            let error = config.set(assignment).unwrap_err();
            assert!(error.is_invalid() && error.to_string().starts_with(said), "{assignment}: {error}");
            assert_eq!(config, before, "{assignment}");
        }
    }

    #[test]
    fn settings_that_hang_together_are_set_together() {
        let mut config = RunConfig::new("pets", Some("fast")).unwrap();
        config.set("agent.replan_every=20").unwrap();
        let before = config.clone();
        let error = config.set("agent.horizon=5").unwrap_err().to_string();
        assert!(error.contains("replan_every is 20: give 1 to the horizon, 5"), "{error}");
        let error = config.set_all(&["agent.horizon=5", "agent.particles=0"]).unwrap_err().to_string();
        assert!(error.starts_with("--set agent.horizon, agent.particles: "), "{error}");
        let error = config.set_all(&["agent.horizon=5", "agent.horizn=3"]).unwrap_err().to_string();
        assert!(error.starts_with("--set agent.horizn: there is no such setting"), "{error}");
        assert_eq!(config, before);
        config.set_all(&["agent.horizon=5", "agent.replan_every=5"]).unwrap();
        assert_eq!((&config.agent["horizon"], &config.agent["replan_every"]), (&5.into(), &5.into()));
    }

    #[test]
    fn a_choice_can_be_named_and_then_set_further() {
        let mut config = RunConfig::new("pets", Some("fast")).unwrap();
        config.set_all(&["agent.planner=mppi", "agent.planner.mppi.population=20"]).unwrap();
        assert_eq!(config.agent["planner"]["mppi"]["population"], 20);
        let network = r#"agent.model={"bayesian_network":{}}"#;
        config.set_all(&[network, "agent.model.bayesian_network.epochs=5"]).unwrap();
        assert_eq!(config.agent["model"]["bayesian_network"]["epochs"], 5);
        config.set("agent.model=oracle").unwrap();
        assert_eq!(config.agent["model"], "oracle");
        assert!(
            config.set("agent.planner=mpppi").unwrap_err().to_string().contains("unknown variant `mpppi`")
        );
    }

    #[test]
    fn the_default_is_the_first_preset_of_its_algorithm() {
        let config = RunConfig::default();
        assert_eq!(RunConfig::new(&config.algo, None).unwrap(), config);
        assert_eq!(RunConfig::from_json("{}").unwrap(), config);
        assert!(
            RunConfig::from_json("{\"sedd\":1}").unwrap_err().to_string().contains("unknown field `sedd`")
        );
    }
}
