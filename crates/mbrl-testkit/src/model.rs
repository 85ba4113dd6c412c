//! The contract of a dynamics model.

use crate::{allocations, broken, named, no_allocations};
use mbrl_core::{
    Context, DynamicsModel, End, Key, Mode, ModelInput, ModelOutput, NoiseBuf, Result, RowBuf, Rows, Scratch,
};

/// Runs the contract of [`DynamicsModel`] from the given model states and actions, `[rows, state]` and `[rows, act]`, of
/// which there must be at least four, and says what is broken.
///
/// Checked: that a call is a pure function; that rows do not see each other, in any order and any split of a batch; that
/// [`Mode::Mean`] ignores the noise; that outputs are finite; that a member that does not exist and a state that is not
/// finite are refused, the latter with an error that [is](mbrl_core::Error::is_non_finite) about that and names member and row; and,
/// where [`CountingAlloc`](crate::CountingAlloc) is the global allocator, that a second call allocates nothing.
pub fn check_model(model: &dyn DynamicsModel, state: Rows<'_>, act: Rows<'_>) -> Result<()> {
    named("check_model", || {
        let rows = state.len();
        if rows < 4 || act.len() != rows || state.dim() != model.state_dim() || act.dim() != model.act_dim() {
            return Err(broken(format_args!(
                "given states [{rows}, {}] and actions [{}, {}]: expected at least 4 rows of {} and {}",
                state.dim(),
                act.len(),
                act.dim(),
                model.state_dim(),
                model.act_dim()
            )));
        }
        if model.members() == 0 {
            return Err(broken("the model has no member: a single model is one"));
        }
        let who: Vec<u16> = (0..rows).map(|i| (i % model.members()) as u16).collect();
        let question = Question { model, state, act, who: &who };
        let straight = question.answer(&order(rows), Mode::Sample, 0).context("a step")?;
        straight.check_finite()?;
        if question.answer(&order(rows), Mode::Sample, 0)? != straight {
            return Err(broken(
                "the same call gave other bits: a model keeps no state and draws nothing of its own",
            ));
        }
        let backwards: Vec<usize> = (0..rows).rev().collect();
        if question.answer(&backwards, Mode::Sample, 0)?.reordered(&backwards) != straight {
            return Err(broken("rows in another order gave other bits: a row must not see its neighbours"));
        }
        let (head, tail) =
            (question.answer(&[0], Mode::Sample, 0)?, question.answer(&order(rows)[1..], Mode::Sample, 0)?);
        if head.then(tail) != straight {
            return Err(broken(
                "a batch split in two gave other bits: a row must not see how many there are",
            ));
        }
        if question.answer(&order(rows), Mode::Mean, 0)? != question.answer(&order(rows), Mode::Mean, 1)? {
            return Err(broken("the mean depends on the noise: ignore it in Mode::Mean"));
        }
        check_bad_input(&question)?;
        question.check_allocations()
    })
}

struct Question<'a> {
    model: &'a dyn DynamicsModel,
    state: Rows<'a>,
    act: Rows<'a>,
    who: &'a [u16],
}

/// An answer, as bits.
#[derive(PartialEq)]
struct Answer {
    dim: usize,
    next: Vec<u32>,
    reward: Vec<u32>,
    end: Vec<End>,
}

fn order(rows: usize) -> Vec<usize> {
    (0..rows).collect()
}

impl Question<'_> {
    /// Asks twice with one scratch; the second answer must allocate nothing.
    fn check_allocations(&self) -> Result<()> {
        let rows = self.state.len();
        let mut noise = NoiseBuf::default();
        noise.fill(self.model.noise_spec(), rows, Key::root(0));
        let mut next = RowBuf::zeros(rows, self.model.state_dim());
        let (mut reward, mut end, mut scratch) =
            (vec![0.0; rows], vec![End::Running; rows], Scratch::default());
        let mut ask = || {
            let (state, act, member) = (self.state, self.act, self.who);
            let input = ModelInput { state, act, member, noise: noise.view(), mode: Mode::Sample };
            let out = ModelOutput { next_state: next.view_mut(), reward: &mut reward, end: &mut end };
            self.model.step(input, out, &mut scratch)
        };
        ask()?;
        let (again, made) = allocations(ask);
        again?;
        no_allocations(made)
    }

    /// Asks for the rows in `order`; each row has noise of its own, from block `block`.
    fn answer(&self, order: &[usize], mode: Mode, block: u64) -> Result<Answer> {
        let mut all = NoiseBuf::default();
        all.fill(self.model.noise_spec(), self.state.len(), Key::root(0).child("check_model").at(block));
        let noise = all.view();
        let (mut normals, mut uniforms) =
            (RowBuf::new(noise.normals.dim()), RowBuf::new(noise.uniforms.dim()));
        let (mut state, mut act) = (RowBuf::new(self.state.dim()), RowBuf::new(self.act.dim()));
        for &i in order {
            normals.push(noise.normals.row(i));
            uniforms.push(noise.uniforms.row(i));
            state.push(self.state.row(i));
            act.push(self.act.row(i));
        }
        let member: Vec<u16> = order.iter().map(|&i| self.who[i]).collect();
        let noise = mbrl_core::Noise { normals: normals.view(), uniforms: uniforms.view() };
        let input = ModelInput { state: state.view(), act: act.view(), member: &member, noise, mode };
        step(self.model, input)
    }
}

fn step(model: &dyn DynamicsModel, input: ModelInput<'_>) -> Result<Answer> {
    let rows = input.state.len();
    // Outputs start as NaN, so that what is not written is noticed.
    let mut next = vec![f32::NAN; rows * model.state_dim()];
    let (mut reward, mut end) = (vec![f32::NAN; rows], vec![End::Truncated; rows]);
    let next_state = mbrl_core::RowsMut::new(&mut next, model.state_dim())?;
    model.step(
        input,
        ModelOutput { next_state, reward: &mut reward, end: &mut end },
        &mut Scratch::default(),
    )?;
    let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect();
    Ok(Answer { dim: model.state_dim(), next: bits(&next), reward: bits(&reward), end })
}

impl Answer {
    fn check_finite(&self) -> Result<()> {
        if let Some(i) = self.next.iter().position(|x| !f32::from_bits(*x).is_finite()) {
            let (row, column) = (i / self.dim, i % self.dim);
            return Err(broken(format_args!(
                "column {column} of the successor of row {row} is not finite: write every number, and refuse such ones"
            )));
        }
        if let Some(row) = self.reward.iter().position(|x| !f32::from_bits(*x).is_finite()) {
            return Err(broken(format_args!("the reward of row {row} is not finite: write every reward")));
        }
        if let Some(row) = self.end.iter().position(|end| *end == End::Truncated) {
            return Err(broken(format_args!(
                "row {row} is truncated: a model says Running or Terminated of every row, who imagines cuts"
            )));
        }
        Ok(())
    }

    fn reordered(self, order: &[usize]) -> Answer {
        let mut back =
            Answer { next: self.next.clone(), reward: self.reward.clone(), end: self.end.clone(), ..self };
        for (from, &to) in order.iter().enumerate() {
            let (source, target) = (from * self.dim, to * self.dim);
            back.next[target..target + self.dim].copy_from_slice(&self.next[source..source + self.dim]);
            back.reward[to] = self.reward[from];
            back.end[to] = self.end[from];
        }
        back
    }

    fn then(mut self, tail: Answer) -> Answer {
        self.next.extend(tail.next);
        self.reward.extend(tail.reward);
        self.end.extend(tail.end);
        self
    }
}

fn check_bad_input(question: &Question<'_>) -> Result<()> {
    let rows = question.state.len();
    let nobody = vec![question.model.members() as u16; rows];
    if (Question { who: &nobody, ..*question }).answer(&order(rows), Mode::Sample, 0).is_ok() {
        return Err(broken(format_args!("member {} of as many was accepted: refuse it", nobody[0])));
    }
    let mut numbers = question.state.as_slice().to_vec();
    numbers[question.state.dim()] = f32::NAN;
    let state = Rows::new(&numbers, question.state.dim())?;
    match (Question { state, ..*question }).answer(&order(rows), Mode::Sample, 0) {
        Err(error) if error.is_non_finite() => {
            let said = error.to_string();
            match ["member", "row 1"].into_iter().find(|part| !said.contains(part)) {
                None => Ok(()),
                Some(part) => {
                    Err(error.wrap(format_args!("the error of a NaN in row 1 does not name its {part}")))
                }
            }
        }
        Err(error) => {
            Err(error.wrap("a NaN in row 1 was refused with an error of another kind: use Error::non_finite"))
        }
        Ok(_) => Err(broken(
            "a NaN in row 1 was accepted: refuse it with Error::non_finite, naming member and row",
        )),
    }
}
