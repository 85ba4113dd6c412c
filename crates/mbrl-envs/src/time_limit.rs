//! Episodes of at most so many steps.

use mbrl_core::{End, Env, Error, Key, Result, Snapshot, Spec, Step};

/// Cuts the episodes of an environment after so many steps. It never touches a reward, and an episode that terminates in
/// its last step is terminated, not truncated.
///
/// Around an environment that has a time limit already the smaller of the two holds, and is what the spec says.
#[derive(Clone, Debug)]
pub struct TimeLimit<E> {
    env: E,
    spec: Spec,
    limit: u32,
    /// Steps done in the running episode; `None` where none runs.
    elapsed: Option<u32>,
}

/// The word in a snapshot of an environment between episodes.
const BETWEEN_EPISODES: u64 = u64::MAX;

impl<E: Env> TimeLimit<E> {
    /// Cuts the episodes of `env` after `limit` steps, or sooner where it has a smaller time limit of its own.
    pub fn new(env: E, limit: u32) -> Result<Self> {
        let limit = env.spec().time_limit.map_or(limit, |inner| inner.min(limit));
        let spec = Spec { time_limit: Some(limit), ..env.spec().clone() };
        spec.validate()?;
        Ok(TimeLimit { env, spec, limit, elapsed: None })
    }

    /// The environment inside. Stepping it by itself is not counted.
    pub fn inner(&self) -> &E {
        &self.env
    }

    /// The environment inside, to be changed. Stepping it by itself is not counted.
    pub fn inner_mut(&mut self) -> &mut E {
        &mut self.env
    }
}

impl<E: Env> Env for TimeLimit<E> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn reset(&mut self, key: Key, obs: &mut [f32]) -> Result<()> {
        self.env.reset(key, obs)?;
        self.elapsed = Some(0);
        Ok(())
    }

    fn step(&mut self, act: &[f32], key: Key, obs: &mut [f32]) -> Result<Step> {
        let Some(elapsed) = self.elapsed else {
            return Err(Error::invalid("no episode is running: reset the environment first"));
        };
        let mut step = self.env.step(act, key, obs)?;
        if step.end == End::Running && elapsed + 1 == self.limit {
            step.end = End::Truncated;
        }
        self.elapsed = (!step.end.is_end()).then_some(elapsed + 1);
        Ok(step)
    }

    fn snapshot(&self) -> Option<Snapshot> {
        Some(self.env.snapshot()?.with(self.elapsed.map_or(BETWEEN_EPISODES, u64::from)))
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        let (inner, word) = snapshot.split()?;
        let elapsed = match u32::try_from(word) {
            Ok(elapsed) if elapsed < self.limit => Some(elapsed),
            _ if word == BETWEEN_EPISODES => None,
            _ => {
                let limit = self.limit;
                return Err(Error::corrupt(format_args!(
                    "a snapshot {word} steps into an episode of at most {limit}"
                )));
            }
        };
        self.env.restore(&inner)?;
        self.elapsed = elapsed;
        Ok(())
    }
}
