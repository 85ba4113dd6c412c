//! All that is measured, as a document.

use super::Args;
use super::imagine::{Acts, Dream, Dreams, Recordings, drawn, encoded};
use super::points::{Judged, Points, Truth, points};
use super::returns::{Returns, returns};
use super::subject::{Kind, Subject};
use crate::out;
use mbrl_core::{Error, Key, Mode, Result};
use mbrl_models::{EdgeOfReach, EdgeSpec, Reached, edge_of_reach};
use serde::Serialize;

/// What was measured as others script against it: more may be added, none renamed.
#[derive(Serialize)]
pub(super) struct Found {
    pub(super) path: String,
    #[serde(flatten)]
    pub(super) kind: Kind,
    pub(super) env: Option<String>,
    pub(super) seed: u64,
    /// Members of the model, and those to imagine with.
    pub(super) members: usize,
    pub(super) imagines_with: Vec<u16>,
    /// Held-out transitions and episodes.
    pub(super) held_out: usize,
    pub(super) episodes: usize,
    /// Short rollouts, and how long they are.
    pub(super) rollouts: usize,
    pub(super) length: usize,
    pub(super) points: Vec<Points>,
    pub(super) returns: Measured<Returns>,
    /// Where rollouts are cut, by the number of steps that they take.
    pub(super) edge_of_reach: Measured<Vec<EdgeOfReach>>,
    /// Why the world cannot be asked, where it cannot.
    pub(super) without_world: Option<String>,
    pub(super) notes: Vec<String>,
    /// What repeats the measurement.
    pub(super) command: String,
}

/// A part of the measurement, which may have failed by itself.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Measured<T> {
    Done(T),
    Failed { error: String },
}

/// If nobody says how long rollouts are, they take so many steps.
const LENGTH: usize = 10;

impl Found {
    pub(super) fn of(subject: &Subject, args: &Args, key: Key) -> Result<Self> {
        let model = subject.model()?;
        let longest = longest_episode(subject);
        let length = args.length.map_or(LENGTH.min(longest), |length| length as usize);
        if subject.policy().is_none() && length > longest {
            return Err(Error::invalid(format_args!(
                "--length is {length}, and the longest held-out episode, whose actions are imagined again, has {longest} steps"
            )));
        }
        out::progress(format_args!("imagining {} rollouts of {length} steps", args.rollouts));
        let dreams = dreams(subject, args.rollouts as usize, length, key.child("rollouts"));
        let rollouts = dreams.as_ref().map_or(0, |dreams| dreams.first().count());
        Ok(Found {
            path: subject.path.clone(),
            kind: subject.kind.clone(),
            env: subject.env.clone(),
            seed: args.seed,
            members: model.spread.members(),
            imagines_with: model.members.to_vec(),
            held_out: subject.held.len(),
            episodes: subject.held.end.iter().filter(|end| end.is_end()).count(),
            rollouts,
            length,
            points: points(subject, &dreams, key.child("points"))?,
            returns: Measured::of(returns(subject, length, key.child("returns"))),
            edge_of_reach: Measured::of(dreams.and_then(|dreams| edges(&dreams, length, key.child("edge")))),
            without_world: subject.oracle.as_ref().err().cloned(),
            notes: subject.notes.clone(),
            command: command(args),
        })
    }

    /// What was found at the sets of moves that there are.
    pub(super) fn truths(&self) -> impl Iterator<Item = (&Points, &Truth)> {
        self.points.iter().filter_map(|points| match &points.judged {
            Judged::Found(truth) => Some((points, truth.as_ref())),
            Judged::Nothing { .. } => None,
        })
    }

    /// What is judged, in a few words.
    pub(super) fn title(&self) -> String {
        let world = self.env.as_ref().map_or(String::new(), |env| format!(" on {env}"));
        match &self.kind {
            Kind::Run { algo, .. } => format!("{algo}{world}"),
            Kind::Data { .. } => format!("An ensemble of {}{world}", super::subject::name(&self.path)),
        }
    }
}

impl<T> Measured<T> {
    fn of(result: Result<T>) -> Self {
        result.map_or_else(|error| Measured::Failed { error: error.to_string() }, Measured::Done)
    }
}

/// Short rollouts from held-out states: of the policy as it explores, which is how it is trained, or of recorded actions.
fn dreams(subject: &Subject, rollouts: usize, length: usize, key: Key) -> Result<Dreams> {
    let model = subject.model()?;
    match subject.policy().as_deref() {
        Some(policy) => {
            let starts = drawn(&subject.held, rollouts, key.child("start"))?;
            let starts = encoded(model, starts.obs.view())?;
            let acts = Acts::Policy(policy, Mode::Sample);
            Dreams::of(model, starts.view(), acts, (length, 1), key.child("model"))
        }
        None => {
            let recorded = Recordings::of(&subject.held, length, rollouts)?;
            let starts = encoded(model, recorded.starts.view())?;
            let acts = Acts::Recorded(recorded.acts.view());
            Dreams::of(model, starts.view(), acts, (length, 1), key.child("model"))
        }
    }
}

/// The edge of reach of rollouts as long as these, and of shorter ones; of those lengths at which some are cut, as where all
/// terminate no value is bootstrapped.
pub(super) fn edges(dreams: &Dreams, length: usize, key: Key) -> Result<Vec<EdgeOfReach>> {
    /// So many lengths are looked at.
    const MOST: usize = 10;
    let reached: Vec<Reached<'_>> = dreams.first().map(|dream: Dream<'_>| dream.reached()).collect();
    let stride = length.div_ceil(MOST);
    let mut lengths: Vec<usize> = (1..=length).rev().step_by(stride).collect();
    lengths.reverse();
    let (mut edges, mut failed) = (Vec::new(), Ok(()));
    for length in lengths {
        match edge_of_reach(&reached, EdgeSpec::of_length(length), key) {
            Ok(edge) => edges.push(edge),
            Err(error) => failed = Err(error),
        }
    }
    if edges.is_empty() { failed.map(|()| edges) } else { Ok(edges) }
}

fn longest_episode(subject: &Subject) -> usize {
    let (mut longest, mut length) = (0, 0);
    for end in &subject.held.end {
        length += 1;
        longest = longest.max(length);
        if end.is_end() {
            length = 0;
        }
    }
    longest.max(1)
}

fn command(args: &Args) -> String {
    let mut text = format!(
        "cargo xtask calibrate {}",
        crate::commands::report::repeat::quoted(&args.path.display().to_string())
    );
    let mut add = |flag: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!(" --{flag} {value}"));
        }
    };
    add("env", args.env.clone());
    add("time-limit", args.reading.time_limit.map(|n| n.to_string()));
    add("preset", args.preset.clone());
    add("epochs", args.epochs.map(|n| n.to_string()));
    add("episodes", args.episodes.map(|n| n.to_string()));
    add("rollouts", Some(args.rollouts.to_string()));
    add("length", args.length.map(|n| n.to_string()));
    add("seed", Some(args.seed.to_string()));
    text
}
