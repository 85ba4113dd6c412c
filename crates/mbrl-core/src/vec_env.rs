//! Several episodes of one world, side by side.

use crate::{End, Error, Key, Result, RowBuf, Rows, Snapshot, Spec};

/// Several episodes of one world, side by side, each of which starts anew when it ends.
pub trait VecEnv: Send {
    /// What is known before the first step: of one lane.
    fn spec(&self) -> &Spec;

    /// How many episodes run side by side.
    fn lanes(&self) -> usize;

    /// Starts an episode in every lane and writes the observations to act on into `out.obs`.
    fn reset(&mut self, key: Key, out: &mut LaneSteps) -> Result<()>;

    /// Does the actions, `[lanes, act]`. Lanes whose episode ended have begun the next one when this returns.
    ///
    /// A bad action is refused before any lane has moved. After any other error some lanes have moved and others have not:
    /// reset or restore all of them.
    fn step(&mut self, act: Rows<'_>, key: Key, out: &mut LaneSteps) -> Result<()>;

    /// Everything needed to go on in every lane from here to the bit, where the worlds can tell. What was observed last is
    /// with the caller, in [`LaneSteps`].
    fn snapshot(&self) -> Option<Snapshot> {
        None
    }

    /// Goes back to where `snapshot` was taken; a foreign snapshot is an error.
    fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        let _ = snapshot;
        Err(Error::unsupported("these environments have no snapshots: reset them and replay the actions"))
    }
}

/// What a step brought to every lane.
///
/// The true successor and the observation to act on next are two fields, because they differ where an episode ended: what
/// is learnt from belongs to the first, what is done next to the second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LaneSteps {
    /// What to act on next, `[lanes, obs]`: after an end, the first observation of the next episode.
    pub obs: RowBuf,
    /// The true successor, `[lanes, obs]`.
    pub next_obs: RowBuf,
    /// The rewards, `[lanes]`.
    pub reward: Vec<f32>,
    /// How each lane's step left its episode, `[lanes]`.
    pub end: Vec<End>,
}

impl LaneSteps {
    /// Room for the steps of `lanes` lanes.
    pub fn new(lanes: usize, obs_dim: usize) -> Self {
        LaneSteps {
            obs: RowBuf::zeros(lanes, obs_dim),
            next_obs: RowBuf::zeros(lanes, obs_dim),
            reward: vec![0.0; lanes],
            end: vec![End::Running; lanes],
        }
    }

    /// The number of lanes.
    pub fn len(&self) -> usize {
        self.reward.len()
    }

    /// Whether there is no lane.
    pub fn is_empty(&self) -> bool {
        self.reward.is_empty()
    }
}
