//! The rows of a rollout that are worked on together.

use super::{Acting, Diverged, Effort, Rollout};
use crate::assignment::{Dealer, Layout};
use crate::{Imagined, Sink};
use mbrl_core::{
    End, Error, Key, Mode, ModelInput, ModelOutput, NoiseBuf, NoiseSpec, Result, RowBuf, Rows, Scratch,
};
use std::ops::Range;

/// Memory for a chunk's rows, and the sink that takes them.
#[derive(Clone, Debug)]
pub(super) struct Chunk<S> {
    pub(super) sink: S,
    pub(super) memory: Memory,
}

impl<S> Chunk<S> {
    pub(super) fn new(sink: S) -> Self {
        Chunk { sink, memory: Memory::default() }
    }
}

/// What all chunks of a rollout share.
pub(super) struct Work<'a> {
    pub(super) rollout: &'a Rollout<'a>,
    pub(super) starts: Rows<'a>,
    pub(super) acting: Acting<'a>,
    pub(super) layout: Layout,
    pub(super) keys: Keys,
}

/// Where a rollout's randomness is from, by role.
pub(super) struct Keys {
    model: Key,
    policy: Key,
    member: Key,
}

impl Keys {
    pub(super) fn of(key: Key) -> Self {
        Keys { model: key.child("model"), policy: key.child("policy"), member: key.child("member") }
    }
}

/// The rows of a chunk that are still running, as a struct of arrays.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    rows: Vec<u32>,
    state: RowBuf,
    act: RowBuf,
    next_state: RowBuf,
    reward: Vec<f32>,
    end: Vec<End>,
    member: Vec<u16>,
    policy: Vec<u16>,
    /// Places of rows without a finite successor, in rising order.
    bad: Vec<usize>,
    model_noise: NoiseBuf,
    policy_noise: NoiseBuf,
    dealer: Dealer,
    scratch: Scratch,
}

impl Memory {
    /// Imagines chunk `c`, which is these rows, to its end.
    pub(super) fn run(
        &mut self,
        work: &Work<'_>,
        c: usize,
        rows: Range<usize>,
        sink: &mut dyn Sink,
    ) -> Result<Effort> {
        self.start(work, rows.clone());
        sink.begin(rows, self.state.view(), work.rollout.horizon);
        let mut effort = Effort::default();
        for t in 0..work.rollout.horizon {
            if self.rows.is_empty() {
                break;
            }
            self.act(work, t, c)?;
            let (steps, lost) = (self.rows.len(), self.step(work, t, c, sink)?);
            effort.steps += steps as u64;
            effort.lost += lost as u64;
            sink.take(Imagined {
                t,
                rows: &self.rows,
                state: self.state.view(),
                act: self.act.view(),
                next_state: self.next_state.view(),
                reward: &self.reward,
                end: &self.end,
                member: &self.member,
                policy: &self.policy,
            })?;
            std::mem::swap(&mut self.state, &mut self.next_state);
            if self.end.iter().any(|end| end.is_end()) {
                self.keep(|chunk, i| !chunk.end[i].is_end());
            }
        }
        Ok(effort)
    }

    fn start(&mut self, work: &Work<'_>, rows: Range<usize>) {
        let (len, model) = (rows.len(), work.rollout.model);
        self.rows.clear();
        self.rows.extend(rows.clone().map(|row| row as u32));
        self.state.reshape(len, model.state_dim());
        for (i, row) in rows.enumerate() {
            let start = row % work.layout.period % work.starts.len();
            self.state.row_mut(i).copy_from_slice(work.starts.row(start));
        }
        self.member.resize(len, 0);
        self.policy.resize(len, 0);
    }

    /// Deals out the members and writes what each row does.
    fn act(&mut self, work: &Work<'_>, t: usize, c: usize) -> Result<()> {
        let (len, act) = (self.rows.len(), work.rollout.model.act_dim());
        let shared = work.keys.member.at(t as u64);
        let Memory { dealer, rows, member, policy: who, .. } = self;
        dealer.deal(
            work.rollout.assignment,
            work.layout,
            t,
            rows,
            (shared, shared.child("chunk").at(c as u64)),
            (member, who),
        );
        self.act.reshape(len, act);
        match work.acting {
            Acting::Plans(plans) => {
                for (i, &row) in self.rows.iter().enumerate() {
                    let plan = plans.row(row as usize % work.layout.period);
                    self.act.row_mut(i).copy_from_slice(&plan[t * act..(t + 1) * act]);
                }
                Ok(())
            }
            Acting::Policy { policy, mode } => {
                let key = work.keys.policy.at(t as u64).at(c as u64);
                self.policy_noise.fill(drawn(mode, policy.noise_spec()), len, key);
                let noise = self.policy_noise.view();
                let (obs, act) = (self.state.view(), self.act.view_mut());
                policy
                    .act(obs, &self.policy, noise, mode, act, &mut self.scratch)
                    .map_err(|error| error.wrap(format_args!("imagined step {t}")))
            }
        }
    }

    /// Asks the model, and says how many rows had to be taken out.
    fn step(&mut self, work: &Work<'_>, t: usize, c: usize, sink: &mut dyn Sink) -> Result<usize> {
        let (len, model) = (self.rows.len(), work.rollout.model);
        self.model_noise.fill(
            drawn(work.rollout.mode, model.noise_spec()),
            len,
            work.keys.model.at(t as u64).at(c as u64),
        );
        self.next_state.reshape(len, model.state_dim());
        self.reward.resize(len, 0.0);
        self.end.resize(len, End::Running);
        self.bad.clear();
        let first_error = self.ask(work.rollout, 0..len)?;
        if self.bad.is_empty() {
            return Ok(0);
        }
        if work.rollout.diverged == Diverged::Refuse {
            let (row, member) = (self.rows[self.bad[0]], self.member[self.bad[0]]);
            let context = format_args!("imagined step {t}, row {row}").to_string();
            return Err(match first_error {
                Some(error) => error.wrap(context),
                None => Error::non_finite(format_args!(
                    "member {member} gave a successor or a reward that is not finite"
                ))
                .wrap(context),
            });
        }
        let lost = self.bad.len();
        for &i in &self.bad {
            sink.lose(self.rows[i] as usize);
            // Marked, so that one pass over the rows is enough.
            self.rows[i] = LOST;
        }
        self.keep(|chunk, i| chunk.rows[i] != LOST);
        Ok(lost)
    }

    /// Asks the model for the rows of `range`, and notes those without a finite answer in `bad`; the first of them may come
    /// with what the model said of it. A model refuses a batch for one bad row, and rows do not see each other, so halves are
    /// asked until it is found.
    fn ask(&mut self, rollout: &Rollout<'_>, range: Range<usize>) -> Result<Option<Error>> {
        let answer = rollout.model.step(
            ModelInput {
                state: self.state.view().slice(range.clone()),
                act: self.act.view().slice(range.clone()),
                member: &self.member[range.clone()],
                noise: self.model_noise.view().slice(range.clone()),
                mode: rollout.mode,
            },
            ModelOutput {
                next_state: self.next_state.view_mut().slice_mut(range.clone()),
                reward: &mut self.reward[range.clone()],
                end: &mut self.end[range.clone()],
            },
            &mut self.scratch,
        );
        match answer {
            Ok(()) => {
                // A model should have refused these by itself.
                let next = self.next_state.view();
                let finite =
                    |i: usize| self.reward[i].is_finite() && next.row(i).iter().all(|x| x.is_finite());
                if all_finite(&self.reward[range.clone()]) && all_finite(next.slice(range.clone()).as_slice())
                {
                    return Ok(None);
                }
                self.bad.extend(range.filter(|&i| !finite(i)));
                Ok(None)
            }
            Err(error) if error.is_non_finite() && range.len() == 1 => {
                self.bad.push(range.start);
                Ok(Some(error))
            }
            Err(error) if error.is_non_finite() => {
                let middle = range.start + range.len() / 2;
                let none_before = self.bad.is_empty();
                let left = self.ask(rollout, range.start..middle)?;
                let left_is_first = none_before && !self.bad.is_empty();
                let right = self.ask(rollout, middle..range.end)?;
                Ok(if left_is_first { left } else { left.or(right) })
            }
            Err(error) => Err(error.wrap("imagination")),
        }
    }

    /// Takes out the rows of which `stays` is false.
    fn keep(&mut self, stays: impl Fn(&Memory, usize) -> bool) {
        let mut kept = 0;
        for i in 0..self.rows.len() {
            if !stays(self, i) {
                continue;
            }
            if kept != i {
                self.rows[kept] = self.rows[i];
                self.reward[kept] = self.reward[i];
                self.end[kept] = self.end[i];
                self.member[kept] = self.member[i];
                self.policy[kept] = self.policy[i];
                for table in [&mut self.state, &mut self.act, &mut self.next_state] {
                    let dim = table.dim();
                    table.as_mut_slice().copy_within(i * dim..(i + 1) * dim, kept * dim);
                }
            }
            kept += 1;
        }
        self.rows.truncate(kept);
        self.reward.truncate(kept);
        self.end.truncate(kept);
        self.member.truncate(kept);
        self.policy.truncate(kept);
        for table in [&mut self.state, &mut self.act, &mut self.next_state] {
            table.resize(kept);
        }
    }
}

/// The noise that is used: none, where the mean is asked for.
fn drawn(mode: Mode, spec: NoiseSpec) -> NoiseSpec {
    match mode {
        Mode::Sample => spec,
        Mode::Mean => NoiseSpec::default(),
    }
}

/// No row has this number: there are fewer of them.
const LOST: u32 = u32::MAX;

/// Whether all numbers are finite, without a branch for each: what is not finite stays so times zero.
fn all_finite(numbers: &[f32]) -> bool {
    numbers.iter().fold(0.0, |sum: f32, x| sum + x * 0.0).is_finite()
}
