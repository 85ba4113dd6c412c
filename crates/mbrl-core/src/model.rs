//! What is believed of a world's dynamics, as a pure function.

use crate::{End, Error, Noise, NoiseSpec, Result, Rows, RowsMut, Scratch};

/// A model of a world's dynamics with one or more members: a pure function of its input.
///
/// Rows are *model states*. They are observations, unless the model has an [encoder](DynamicsModel::encode): a latent
/// model's states are whatever it wants them to be.
///
/// The contract, which `mbrl_testkit::check_model` runs: rows do not see each other (any split or order of a batch gives
/// the same bits), a successor that is not finite is an error that names the member and the row, and nothing is allocated
/// once the scratch has grown.
pub trait DynamicsModel: Send + Sync {
    /// Numbers in a model state.
    fn state_dim(&self) -> usize;

    /// Numbers in an action.
    fn act_dim(&self) -> usize;

    /// How many members there are; each is a complete model.
    fn members(&self) -> usize;

    /// The random numbers that a row uses.
    fn noise_spec(&self) -> NoiseSpec;

    /// Writes where each row goes, what it earns and whether it ends.
    fn step(&self, input: ModelInput<'_>, out: ModelOutput<'_>, scratch: &mut Scratch) -> Result<()>;

    /// Numbers in an observation.
    fn obs_dim(&self) -> usize {
        self.state_dim()
    }

    /// Writes the model state of each observation, `[rows, obs]` to `[rows, state]`. A model whose states are not
    /// observations has to say how.
    fn encode(&self, obs: Rows<'_>, mut state: RowsMut<'_>, scratch: &mut Scratch) -> Result<()> {
        let _ = scratch;
        if (obs.len(), obs.dim()) != (state.len(), state.dim()) {
            return Err(Error::unsupported("this model's states are not observations and it has no encoder"));
        }
        state.copy_from(obs);
        Ok(())
    }
}

/// Whether chance has its say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Draw from the distribution, with the noise that is passed in.
    #[default]
    Sample,
    /// Take its mean (or, of choices, the likeliest) and ignore the noise.
    Mean,
}

/// What a model is asked: equally many rows of everything.
#[derive(Clone, Copy, Debug)]
pub struct ModelInput<'a> {
    /// Where each row is, `[rows, state]`.
    pub state: Rows<'a>,
    /// What it does, `[rows, act]`.
    pub act: Rows<'a>,
    /// Which member carries it on, `[rows]`.
    pub member: &'a [u16],
    /// Its random numbers, as [`DynamicsModel::noise_spec`] wants them.
    pub noise: Noise<'a>,
    /// Whether they are used.
    pub mode: Mode,
}

/// What a model answers: a row for each row asked.
#[derive(Debug)]
pub struct ModelOutput<'a> {
    /// Where each row goes, `[rows, state]`.
    pub next_state: RowsMut<'a>,
    /// What it earns, `[rows]`.
    pub reward: &'a mut [f32],
    /// Whether its episode goes on, `[rows]`.
    pub end: &'a mut [End],
}
