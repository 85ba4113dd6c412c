//! What the file of an environment says.

use crate::Sketch;
use mbrl_core::{ChaCha8Rng, NoiseSpec, Spec};

/// A world, said once: how it starts, moves, is observed and is judged. State and dynamics are `f64`; what leaves is
/// `f32`.
///
/// Its reward and termination see only what an agent sees, so that imagination can use them too.
pub trait System: Clone + Send + Sync + 'static {
    /// Everything that the next step depends on: an array of `f64`.
    type State: Copy + Send + Sync + AsRef<[f64]> + for<'a> TryFrom<&'a [f64]>;

    /// What is known before the first step, without a time limit.
    fn spec(&self) -> Spec;

    /// After how many steps an episode is cut.
    fn horizon(&self) -> u32;

    /// Draws where an episode starts.
    fn start(&self, rng: &mut ChaCha8Rng) -> Self::State;

    /// Where `act` leads. Whoever calls has checked that `state` is one and that the spec knows the action: one outside the
    /// bounds of a box is finite and meant to be clipped.
    fn advance(&self, state: &Self::State, act: &[f32], chance: Chance<'_>) -> Self::State;

    /// Writes what is seen of a state.
    fn observe(&self, state: &Self::State, obs: &mut [f32]);

    /// What a move earns; NaN, of a move that this world does not know.
    fn reward(&self, obs: &[f32], act: &[f32], next_obs: &[f32]) -> f64;

    /// Whether the state that is seen as `next_obs` has no future.
    fn terminated(&self, next_obs: &[f32]) -> bool {
        let _ = next_obs;
        false
    }

    /// Whether these finite numbers are a state of this world, beyond what the observation tells:
    /// [`Sim::set_state`](crate::Sim::set_state) and snapshots refuse what is observed outside the
    /// spec's space anyway, and the observation is rounded to `f32`.
    fn is_state(&self, state: &Self::State) -> bool {
        let _ = state;
        true
    }

    /// What an optimal policy earns in an episode in the mean, undiscounted, where that is known in closed form.
    fn optimal_return(&self) -> Option<f64> {
        None
    }

    /// What it looks like where `obs` is observed; nothing, where it has no geometry.
    fn sketch(&self, obs: &[f32]) -> Option<Sketch> {
        let _ = obs;
        None
    }

    /// The random numbers that a step uses.
    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec::default()
    }
}

/// A world whose observation determines its state: it has a [`Physics`](mbrl_core::Physics).
pub trait Observed: System {
    /// The state that is seen as `obs`, up to what makes no difference (whole turns of an angle).
    fn state(&self, obs: &[f32]) -> Self::State;
}

/// The random numbers of one step, as [`System::noise_spec`] asked for them.
#[derive(Clone, Copy, Debug)]
pub struct Chance<'a> {
    /// Standard normal numbers.
    pub normals: &'a [f32],
    /// Numbers from [0, 1).
    pub uniforms: &'a [f32],
}
