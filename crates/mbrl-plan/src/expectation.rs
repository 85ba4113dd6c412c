//! Propagation of the mean: what all members expect, averaged, as one model.

use mbrl_core::{
    DynamicsModel, End, Error, Lent, Mode, ModelInput, ModelOutput, Noise, NoiseSpec, Result, Rows, RowsMut,
    Scratch, ScratchSpec,
};

/// The mean of what some members of a model expect, as a model of one member without chance: "expectation" of PETS.
///
/// Each member says where its mean goes and what that earns; both are averaged, and a row ends where more than half of the
/// members say so.
#[derive(Clone, Copy)]
pub struct Expectation<'a> {
    model: &'a dyn DynamicsModel,
    members: &'a [u16],
}

impl<'a> Expectation<'a> {
    /// The mean over these members of `model`.
    pub fn new(model: &'a dyn DynamicsModel, members: &'a [u16]) -> Result<Self> {
        let of = model.members();
        if members.is_empty() {
            return Err(Error::invalid("the mean over no member: name at least one"));
        }
        if let Some(member) = members.iter().find(|&&member| usize::from(member) >= of) {
            return Err(Error::invalid(format_args!("model member {member} of {of}")));
        }
        Ok(Expectation { model, members })
    }
}

/// Rows that a member is asked for at a time.
const BLOCK: usize = 256;

impl Expectation<'_> {
    /// Writes what one member expects of every row.
    fn ask(
        &self,
        member: u16,
        input: &ModelInput<'_>,
        out: &mut ModelOutput<'_>,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let (rows, members) = (input.state.len(), [member; BLOCK]);
        for from in (0..rows).step_by(BLOCK) {
            let range = from..(from + BLOCK).min(rows);
            let answer = self.model.step(
                ModelInput {
                    state: input.state.slice(range.clone()),
                    act: input.act.slice(range.clone()),
                    member: &members[..range.len()],
                    noise: Noise::none(range.len()),
                    mode: Mode::Mean,
                },
                ModelOutput {
                    next_state: out.next_state.slice_mut(range.clone()),
                    reward: &mut out.reward[range.clone()],
                    end: &mut out.end[range],
                },
                scratch,
            );
            // The model counts the rows of its block.
            answer.map_err(
                |error| if from == 0 { error } else { error.wrap(format_args!("rows from {from}")) },
            )?;
        }
        Ok(())
    }
}

impl DynamicsModel for Expectation<'_> {
    fn state_dim(&self) -> usize {
        self.model.state_dim()
    }

    fn act_dim(&self) -> usize {
        self.model.act_dim()
    }

    fn members(&self) -> usize {
        1
    }

    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec::default()
    }

    fn obs_dim(&self) -> usize {
        self.model.obs_dim()
    }

    fn encode(&self, obs: Rows<'_>, state: RowsMut<'_>, scratch: &mut Scratch) -> Result<()> {
        self.model.encode(obs, state, scratch)
    }

    fn step(&self, input: ModelInput<'_>, mut out: ModelOutput<'_>, scratch: &mut Scratch) -> Result<()> {
        let (rows, dim) = (input.state.len(), self.state_dim());
        if (out.next_state.len(), out.next_state.dim()) != (rows, dim)
            || [out.reward.len(), out.end.len(), input.member.len()] != [rows; 3]
        {
            return Err(Error::invalid(format_args!(
                "room for {} answers of {} numbers: expected {rows} of {dim}",
                out.next_state.len(),
                out.next_state.dim()
            )));
        }
        if let Some(member) = input.member.iter().find(|&&member| member != 0) {
            return Err(Error::invalid(format_args!("model member {member} of 1")));
        }
        let Lent { doubles, indices, inner, .. } =
            scratch.lend(ScratchSpec { doubles: rows * (dim + 1), indices: rows, ..ScratchSpec::default() });
        let (sums, rewards) = doubles.split_at_mut(rows * dim);
        sums.fill(0.0);
        rewards.fill(0.0);
        indices.fill(0);
        for member in self.members {
            self.ask(*member, &input, &mut out, inner)?;
            sums.iter_mut().zip(out.next_state.as_mut_slice()).for_each(|(sum, x)| *sum += f64::from(*x));
            rewards.iter_mut().zip(&*out.reward).for_each(|(sum, x)| *sum += f64::from(*x));
            indices.iter_mut().zip(&*out.end).for_each(|(n, end)| *n += u32::from(end.is_end()));
        }
        let n = self.members.len();
        let mean = |sum: &f64| (sum / n as f64) as f32;
        out.next_state.as_mut_slice().iter_mut().zip(&*sums).for_each(|(x, sum)| *x = mean(sum));
        out.reward.iter_mut().zip(&*rewards).for_each(|(x, sum)| *x = mean(sum));
        for (end, ended) in out.end.iter_mut().zip(&*indices) {
            *end = if 2 * *ended as usize > n { End::Terminated } else { End::Running };
        }
        Ok(())
    }
}

impl std::fmt::Debug for Expectation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Expectation(of members {:?})", self.members)
    }
}
