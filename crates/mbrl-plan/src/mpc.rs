//! Model-predictive control: plan, do the first of it, plan again.

use crate::{ActionOptimizer, Found, Score, WarmStart};
use mbrl_core::{Error, Key, Result, RowBuf};
use serde::{Deserialize, Serialize};

/// The receding horizon over any optimizer: plans some steps ahead, does the first ones and plans again from where that
/// led, starting from what is left of the last plan.
///
/// ```
/// use mbrl_core::{Key, Space};
/// use mbrl_plan::{Mpc, PerPlan, PlannerConfig};
///
/// # fn main() -> mbrl_core::Result<()> {
/// let optimizer = PlannerConfig::default().build(&Space::symmetric(1, 1.0)?, 5)?;
/// let (mut mpc, mut x, mut act) = (Mpc::closed_loop(optimizer), 2.0f32, [0.0]);
/// for t in 0..10 {
///     // Bring x to zero: what a plan is worth is found out by doing it in mind.
///     let mut score = PerPlan(|plan: &[f32]| {
///         plan.iter().scan(x, |x, u| { *x += 0.5 * u; Some(-f64::from(*x * *x)) }).sum()
///     });
///     mpc.act(&mut score, Key::root(0).at(t), &mut act)?;
///     x += 0.5 * act[0];
/// }
/// assert!(x.abs() < 0.1);
/// # Ok(()) }
/// ```
pub struct Mpc {
    optimizer: Box<dyn ActionOptimizer>,
    replan_every: usize,
    /// `[horizon, act]`
    plan: RowBuf,
    /// How many steps of it are done; `None` where there is no plan.
    done: Option<usize>,
}

/// Where model-predictive control is in its plan, as plain numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MpcState {
    plan: Vec<f32>,
    done: Option<usize>,
    warm: WarmStart,
}

impl Mpc {
    /// Plans anew after so many steps: after each (closed loop), or when the plan is done (open loop), or between.
    pub fn new(optimizer: Box<dyn ActionOptimizer>, replan_every: usize) -> Result<Self> {
        let (horizon, act) = (optimizer.horizon(), optimizer.act_dim());
        if !(1..=horizon).contains(&replan_every) {
            return Err(Error::invalid(format_args!(
                "planning anew every {replan_every} steps of a plan of {horizon}: give 1 to {horizon}"
            )));
        }
        Ok(Mpc { optimizer, replan_every, plan: RowBuf::zeros(horizon, act), done: None })
    }

    /// Plans anew at every step.
    pub fn closed_loop(optimizer: Box<dyn ActionOptimizer>) -> Self {
        Mpc::new(optimizer, 1).expect("a plan has a step")
    }

    /// Does each plan to its end.
    pub fn open_loop(optimizer: Box<dyn ActionOptimizer>) -> Self {
        let horizon = optimizer.horizon();
        Mpc::new(optimizer, horizon).expect("a plan has a step")
    }

    /// Whether the next [`act`](Mpc::act) will plan.
    pub fn is_due(&self) -> bool {
        self.done.is_none_or(|done| done >= self.replan_every)
    }

    /// Writes what to do next. Where that takes a new plan, `score` is asked about plans that begin now, and how the search
    /// went is returned.
    pub fn act(&mut self, score: &mut dyn Score, key: Key, act: &mut [f32]) -> Result<Option<Found>> {
        if act.len() != self.plan.dim() {
            return Err(Error::invalid(format_args!(
                "room for an action of {} numbers: expected {}",
                act.len(),
                self.plan.dim()
            )));
        }
        let mut found = None;
        if self.is_due() {
            if let Some(done) = self.done.take() {
                self.optimizer.shift(done);
            }
            found = Some(self.optimizer.optimize(score, key, self.plan.view_mut())?);
            self.done = Some(0);
        }
        let done = self.done.get_or_insert(0);
        act.copy_from_slice(self.plan.row(*done));
        *done += 1;
        Ok(found)
    }

    /// Says that something else was done instead of the next step, because no plan could be found, say: the next search starts
    /// a step later, too.
    pub fn skip(&mut self) {
        self.optimizer.shift(self.done.take().unwrap_or(0) + 1);
    }

    /// The plan made last, `[horizon, act]`.
    pub fn plan(&self) -> &RowBuf {
        &self.plan
    }

    /// Forgets the plan and the searches before it: a new episode begins.
    pub fn reset(&mut self) {
        self.done = None;
        self.optimizer.reset();
    }

    /// Where it is, to be kept.
    pub fn state(&self) -> MpcState {
        MpcState { plan: self.plan.as_slice().to_vec(), done: self.done, warm: self.optimizer.warm_start() }
    }

    /// Goes on where [`state`](Mpc::state) was taken; that of another horizon or action space is refused.
    pub fn resume(&mut self, state: &MpcState) -> Result<()> {
        let (numbers, steps) = (self.plan.as_slice().len(), self.plan.len());
        if state.plan.len() != numbers {
            return Err(Error::corrupt(format_args!(
                "a kept plan of {} numbers: this one has {numbers}",
                state.plan.len()
            )));
        }
        if let Some(done) = state.done.filter(|&done| done > steps) {
            return Err(Error::corrupt(format_args!("{done} steps done of a kept plan of {steps}")));
        }
        self.optimizer.resume(&state.warm)?;
        self.plan.as_mut_slice().copy_from_slice(&state.plan);
        self.done = state.done;
        Ok(())
    }
}

impl std::fmt::Debug for Mpc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mpc")
            .field("horizon", &self.plan.len())
            .field("replan_every", &self.replan_every)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}
