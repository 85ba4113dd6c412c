//! A model that drifts.

use mbrl_core::{DynamicsModel, End, Error, Mode, ModelInput, ModelOutput, NoiseSpec, Result, Scratch};

/// A model of one number in several members: the successor is state + action + member + σ·noise, it earns minus the
/// distance of the successor from 0, and it terminates past 100.
#[derive(Clone, Debug)]
pub struct Drift {
    /// How many members there are.
    pub members: u16,
    /// σ: how noisy it is.
    pub sigma: f32,
}

impl DynamicsModel for Drift {
    fn state_dim(&self) -> usize {
        1
    }

    fn act_dim(&self) -> usize {
        1
    }

    fn members(&self) -> usize {
        usize::from(self.members)
    }

    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec { normals: 1, uniforms: 0 }
    }

    fn step(&self, input: ModelInput<'_>, mut out: ModelOutput<'_>, _: &mut Scratch) -> Result<()> {
        for (row, &member) in input.member.iter().enumerate() {
            if member >= self.members {
                return Err(Error::invalid(format_args!(
                    "row {row} wants member {member} of {}",
                    self.members
                )));
            }
            let noise = match input.mode {
                Mode::Sample => self.sigma * input.noise.normals.row(row)[0],
                Mode::Mean => 0.0,
            };
            let next = input.state.row(row)[0] + input.act.row(row)[0] + f32::from(member) + noise;
            if !next.is_finite() {
                return Err(Error::non_finite(format_args!("member {member} leads row {row} to {next}")));
            }
            out.next_state.row_mut(row)[0] = next;
            out.reward[row] = -next.abs();
            out.end[row] = if next > 100.0 { End::Terminated } else { End::Running };
        }
        Ok(())
    }
}
