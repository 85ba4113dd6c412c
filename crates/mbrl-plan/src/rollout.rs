//! The one imagination loop: rows of states carried on by a model, step after step, into a sink.

mod chunk;
#[cfg(test)]
mod tests;

use crate::Sink;
use crate::assignment::{Assignment, Layout};
use chunk::Chunk;
use mbrl_core::{DynamicsModel, Error, Key, Mode, Policy, Result, Rows};

/// How many steps are imagined, of what, and by which members of a model.
///
/// ```
/// use mbrl_core::{Key, Mode, Rows};
/// use mbrl_plan::{Acting, Assignment, Diverged, Returns, Rollout, Workspace};
/// # use mbrl_core::{DynamicsModel, End, ModelInput, ModelOutput, NoiseSpec, Result, Scratch};
/// # struct Walk;
/// # impl DynamicsModel for Walk {
/// #     fn state_dim(&self) -> usize { 1 }
/// #     fn act_dim(&self) -> usize { 1 }
/// #     fn members(&self) -> usize { 1 }
/// #     fn noise_spec(&self) -> NoiseSpec { NoiseSpec::default() }
/// #     fn step(&self, input: ModelInput<'_>, mut out: ModelOutput<'_>, _: &mut Scratch) -> Result<()> {
/// #         for i in 0..input.state.len() {
/// #             out.next_state.row_mut(i)[0] = input.state.row(i)[0] + input.act.row(i)[0];
/// #             (out.reward[i], out.end[i]) = (out.next_state.view().row(i)[0], End::Running);
/// #         }
/// #         Ok(())
/// #     }
/// # }
///
/// # fn main() -> Result<()> {
/// // A walk on a line that earns where it is; two plans of three steps from the same start.
/// let rollout = Rollout {
///     model: &Walk,
///     assignment: Assignment::Fixed { member: 0, policy: 0 },
///     replicas: 1,
///     horizon: 3,
///     mode: Mode::Mean,
///     diverged: Diverged::Refuse,
/// };
/// let plans = Rows::new(&[1.0, 1.0, 1.0, 0.0, -1.0, 0.0], 3)?;
/// let mut workspace = Workspace::new(Returns::new(1.0)?);
/// rollout.run(Rows::single(&[0.0]), Acting::Plans(plans), Key::root(0), &mut workspace)?;
/// let returns: Vec<f64> = workspace.sinks().flat_map(|sink| sink.sums().to_vec()).collect();
/// assert_eq!(returns, [6.0, -2.0]);
/// # Ok(()) }
/// ```
///
/// Rows that ended are taken out, not masked. Rows are worked on in chunks of [`CHUNK`], each with randomness of its own, so
/// the bits do not depend on the number of threads (feature `rayon`) and nothing is allocated once the workspace has grown.
#[derive(Clone, Copy)]
pub struct Rollout<'a> {
    /// What carries the rows on.
    pub model: &'a dyn DynamicsModel,
    /// Which of its members, and of the policy's.
    pub assignment: Assignment<'a>,
    /// How often each plan (or each start, where a policy acts) is imagined.
    pub replicas: usize,
    /// How many steps, at most.
    pub horizon: usize,
    /// Whether the model draws its successors.
    pub mode: Mode,
    /// What becomes of a row without a finite successor.
    pub diverged: Diverged,
}

/// Who acts in imagination.
#[derive(Clone, Copy)]
pub enum Acting<'a> {
    /// Plans made beforehand, `[plans, horizon · act]`. Plan *j* begins at start *j* mod the number of starts.
    Plans(Rows<'a>),
    /// A policy, asked at every state.
    Policy {
        /// The policy.
        policy: &'a dyn Policy,
        /// Whether it draws its actions.
        mode: Mode,
    },
}

/// What becomes of a row whose successor or reward is not finite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Diverged {
    /// The rollout fails, and says which row, which step and which member it was.
    #[default]
    Refuse,
    /// The row is taken out and counted, and its sink is told ([`Sink::lose`]).
    Drop,
}

/// How much was imagined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Steps of single rows.
    pub steps: u64,
    /// Rows that were taken out because they had no finite successor.
    pub lost: u64,
}

/// Rows that are worked on together, whatever the number of threads.
pub const CHUNK: usize = 512;

/// More numbers than these in all rows (four gigabytes) are a slip of the hand.
const MOST_NUMBERS: usize = 1 << 30;

/// The memory of rollouts, to be used again: chunks of rows, each with its sink.
#[derive(Clone, Debug)]
pub struct Workspace<S> {
    template: S,
    chunks: Vec<Chunk<S>>,
    used: usize,
}

impl<S: Sink + Clone> Workspace<S> {
    /// No memory yet; every chunk will have a sink like this.
    pub fn new(sink: S) -> Self {
        Workspace { template: sink, chunks: Vec::new(), used: 0 }
    }

    fn grow(&mut self, chunks: usize) {
        if self.chunks.len() < chunks {
            self.chunks.resize_with(chunks, || Chunk::new(self.template.clone()));
        }
        self.used = chunks;
    }
}

impl<S> Workspace<S> {
    /// The sinks of the last rollout, in the order of its rows; each but the last holds [`CHUNK`] of them.
    pub fn sinks(&self) -> impl ExactSizeIterator<Item = &S> {
        self.chunks[..self.used].iter().map(|chunk| &chunk.sink)
    }
}

impl Rollout<'_> {
    /// Imagines rows from `starts`, `[starts, state]`, into the sinks of the workspace.
    ///
    /// Row *i* is replica *i* / period of plan *i* mod period, where the period is the number of plans, or that of starts
    /// where a policy acts.
    pub fn run<S: Sink + Clone>(
        &self,
        starts: Rows<'_>,
        acting: Acting<'_>,
        key: Key,
        workspace: &mut Workspace<S>,
    ) -> Result<Effort> {
        let layout = self.layout(starts, acting)?;
        let rows = layout.period * layout.replicas;
        workspace.grow(rows.div_ceil(CHUNK));
        let work = chunk::Work { rollout: self, starts, acting, layout, keys: chunk::Keys::of(key) };
        let chunks = &mut workspace.chunks[..workspace.used];
        let run = |(c, chunk): (usize, &mut Chunk<S>)| {
            let rows = c * CHUNK..((c + 1) * CHUNK).min(rows);
            chunk.memory.run(&work, c, rows, &mut chunk.sink)
        };
        each(chunks, run)
    }

    fn layout(&self, starts: Rows<'_>, acting: Acting<'_>) -> Result<Layout> {
        let (state, act) = (self.model.state_dim(), self.model.act_dim());
        let refuse = |what: std::fmt::Arguments<'_>| Err(Error::invalid(what));
        if self.horizon == 0 || self.replicas == 0 {
            return refuse(format_args!(
                "horizon {} and {} replicas: imagine at least one step of one",
                self.horizon, self.replicas
            ));
        }
        if starts.is_empty() || starts.dim() != state {
            return refuse(format_args!(
                "{} starts of {} numbers: give at least one, of the {state} of a model state",
                starts.len(),
                starts.dim()
            ));
        }
        let (period, policies) = match acting {
            Acting::Plans(plans) => {
                if plans.is_empty() || plans.dim() != self.horizon * act {
                    return refuse(format_args!(
                        "{} plans of {} numbers: give at least one, of {} steps with {act} each",
                        plans.len(),
                        plans.dim(),
                        self.horizon
                    ));
                }
                if plans.len() % starts.len() != 0 {
                    return refuse(format_args!(
                        "{} plans for {} starts: give equally many for each",
                        plans.len(),
                        starts.len()
                    ));
                }
                // The policy member has no meaning here, so any will do.
                (plans.len(), usize::MAX)
            }
            Acting::Policy { policy, .. } => {
                let dims = policy.spec().dims();
                if (dims.obs, dims.act) != (state, act) {
                    return refuse(format_args!(
                        "a policy from {} to {} numbers for a model of {state} and {act}",
                        dims.obs, dims.act
                    ));
                }
                (starts.len(), policy.members())
            }
        };
        self.assignment.check(self.model.members(), policies, self.replicas)?;
        let noise = self.model.noise_spec();
        let width = 2 * state + act + noise.normals + noise.uniforms;
        let numbers = period.checked_mul(self.replicas).and_then(|rows| rows.checked_mul(width));
        match numbers {
            Some(..=MOST_NUMBERS) => Ok(Layout { period, replicas: self.replicas }),
            _ => refuse(format_args!(
                "{period} plans or starts in {} replicas each are more rows than memory should hold: imagine fewer",
                self.replicas
            )),
        }
    }
}

/// Runs every chunk and adds up what they did; of several errors, the one of the first chunk.
fn each<S: Sink>(
    chunks: &mut [Chunk<S>],
    run: impl Fn((usize, &mut Chunk<S>)) -> Result<Effort> + Send + Sync,
) -> Result<Effort> {
    let add = |a: Effort, b: Effort| Effort { steps: a.steps + b.steps, lost: a.lost + b.lost };
    #[cfg(feature = "rayon")]
    if chunks.len() > 1 && rayon::current_num_threads() > 1 {
        use rayon::prelude::*;
        return chunks
            .par_iter_mut()
            .enumerate()
            .map(run)
            // The left error wins, so it is the first chunk's whatever the order of work.
            .reduce(|| Ok(Effort::default()), |left, right| Ok(add(left?, right?)));
    }
    chunks.iter_mut().enumerate().map(run).try_fold(Effort::default(), |sum, effort| Ok(add(sum, effort?)))
}

impl std::fmt::Debug for Rollout<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rollout")
            .field("assignment", &self.assignment)
            .field("replicas", &self.replicas)
            .field("horizon", &self.horizon)
            .field("mode", &self.mode)
            .field("diverged", &self.diverged)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Acting<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Acting::Plans(plans) => write!(f, "Plans({} of {} numbers)", plans.len(), plans.dim()),
            Acting::Policy { policy, mode } => write!(f, "Policy({} members, {mode:?})", policy.members()),
        }
    }
}
