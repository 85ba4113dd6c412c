//! One episode of the trained agent, to be looked at.

use super::group::Run;
use crate::out;
use crate::plot::{Film, Shot};
use mbrl_agents::{Trained, evaluate};
use mbrl_core::{Context, End, Env, Error, Key, Result, Spec, Step};
use mbrl_envs::Entry;

/// What came of watching an agent.
pub(super) enum Watched {
    /// There is nothing to see, for this reason.
    Nothing(String),
    /// What it did.
    Episode(Box<Episode>),
}

pub(super) struct Episode {
    pub(super) film: Film,
    pub(super) steps: u64,
    pub(super) earned: f64,
    pub(super) end: End,
    /// A picture is taken every so many steps, and of the last one.
    pub(super) stride: usize,
}

/// A film has so many pictures after the first one at most.
const MOST_SHOTS: usize = 200;

/// Lets the agent act for an episode as in an evaluation: from the start and with the luck of the first of those fresh
/// episodes that its model is judged by.
pub(super) fn watch(run: &Run, trained: &Trained) -> Watched {
    let found = mbrl_envs::find(&run.config.env).and_then(|entry| take(run, trained, entry));
    match found {
        Ok(watched) => watched,
        Err(error) => Watched::Nothing(format!("An episode could not be shown: {error}.")),
    }
}

fn take(run: &Run, trained: &Trained, entry: &Entry) -> Result<Watched> {
    if !is_drawn(entry)? {
        return Ok(Watched::Nothing(format!(
            "There is no picture of {}, so that nothing is shown.",
            entry.name
        )));
    }
    out::progress(format_args!("watching an episode of {}", run.dir));
    let (key, mut env) = (run.config.training().key().child("report"), Seen::new(entry.make()));
    let done = evaluate(trained.agent.actor()?.as_mut(), &mut env, 1, key).context("watching an episode")?;
    let (Some(&steps), Some(&earned)) = (done.lengths.first(), done.returns.first()) else {
        return Err(Error::unsupported("an evaluation of one episode has one"));
    };
    let shown = shown(env.seen.len());
    let shot = |step: &usize| -> Result<Option<Shot>> {
        let sketch = entry.sketch(&env.seen[*step])?;
        Ok(sketch.map(|sketch| Shot { caption: format!("step {step}"), sketch }))
    };
    let shots = shown.iter().map(shot).collect::<Result<Option<Vec<Shot>>>>()?;
    let shots = shots.ok_or_else(|| Error::unsupported("some of its states have no picture"))?;
    let title = format!("One episode of {} on {}", run.config.algo, run.config.env);
    let stride = stride(env.seen.len());
    let film = Film { title, shots };
    Ok(Watched::Episode(Box::new(Episode { film, steps, earned, end: env.end, stride })))
}

fn is_drawn(entry: &Entry) -> Result<bool> {
    let mut obs = vec![0.0; entry.spec().obs.dim()];
    entry.make().reset(Key::root(0), &mut obs)?;
    Ok(entry.sketch(&obs)?.is_some())
}

/// How many steps lie between two pictures of so many states.
fn stride(states: usize) -> usize {
    states.saturating_sub(1).div_ceil(MOST_SHOTS).max(1)
}

/// Which of so many states are shown: the first, every so many, and the last.
fn shown(states: usize) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..states).step_by(stride(states)).collect();
    if shown.last().is_some_and(|last| last + 1 < states) {
        shown.push(states - 1);
    }
    shown
}

/// An environment that remembers what was seen in it.
struct Seen {
    env: Box<dyn Env>,
    seen: Vec<Vec<f32>>,
    end: End,
}

impl Seen {
    fn new(env: Box<dyn Env>) -> Self {
        Seen { env, seen: Vec::new(), end: End::Running }
    }
}

impl Env for Seen {
    fn spec(&self) -> &Spec {
        self.env.spec()
    }

    fn reset(&mut self, key: Key, obs: &mut [f32]) -> Result<()> {
        self.env.reset(key, obs)?;
        self.seen = vec![obs.to_vec()];
        Ok(())
    }

    fn step(&mut self, act: &[f32], key: Key, obs: &mut [f32]) -> Result<Step> {
        let step = self.env.step(act, key, obs)?;
        self.seen.push(obs.to_vec());
        self.end = step.end;
        Ok(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_episodes_are_thinned_and_keep_both_ends() {
        for states in 1..2500 {
            let shown = shown(states);
            assert!(shown.len() <= MOST_SHOTS + 1, "{states}: {}", shown.len());
            assert!(shown[0] == 0 && shown.last() == Some(&(states - 1)), "{states}: {shown:?}");
            assert!(shown.windows(2).all(|pair| (1..=stride(states)).contains(&(pair[1] - pair[0]))));
            assert!(states > MOST_SHOTS + 1 || shown.len() == states);
        }
    }

    #[test]
    fn every_picture_of_a_film_is_of_a_state_that_was_seen() {
        let mut env = Seen::new(mbrl_envs::make("cartpole").unwrap());
        let mut obs = vec![0.0; 4];
        env.reset(Key::root(0), &mut obs).unwrap();
        env.reset(Key::root(1), &mut obs).unwrap();
        let first = obs.clone();
        let mut steps = 0;
        while !env.end.is_end() {
            env.step(&[1.0], Key::root(2).at(steps), &mut obs).unwrap();
            steps += 1;
        }
        assert_eq!(env.end, End::Terminated);
        assert_eq!((env.seen.len() as u64, &env.seen[0], env.seen.last()), (steps + 1, &first, Some(&obs)));
    }
}
