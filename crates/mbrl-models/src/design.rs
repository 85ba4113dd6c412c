//! Transitions as a regression: what goes into a network, and what should come out.

use crate::Normalizer;
use mbrl_core::{Dataset, Dims, End, Error, Result, TransitionBatch};

/// Inputs and targets of the rows of a dataset, side by side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Design {
    /// Observation and action, `[rows, obs + act]`.
    pub(crate) input: Vec<f32>,
    /// The change of the observation, and the reward behind it where it is learnt, `[rows, obs (+ 1)]`.
    pub(crate) target: Vec<f32>,
    /// Whether the row ended its episode, as 0 or 1, `[rows]`.
    pub(crate) ended: Vec<f32>,
    pub(crate) rows: usize,
}

/// What of a transition is to be learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Learnt {
    pub(crate) dims: Dims,
    pub(crate) reward: bool,
}

/// Rows fetched at a time.
const CHUNK: usize = 4096;

impl Learnt {
    /// Numbers that go in.
    pub(crate) fn input(&self) -> usize {
        self.dims.obs + self.dims.act
    }

    /// Numbers that come out.
    pub(crate) fn target(&self) -> usize {
        self.dims.obs + usize::from(self.reward)
    }

    /// What a target is called.
    pub(crate) fn target_name(&self, column: usize) -> String {
        if column < self.dims.obs { format!("change of observation {column}") } else { "reward".to_owned() }
    }

    /// Fetches rows of `data` by number. A number that is not finite is an error that names the row and the column.
    pub(crate) fn design(&self, data: &dyn Dataset, rows: &[u32]) -> Result<Design> {
        if data.dims() != self.dims {
            return Err(Error::invalid(format_args!(
                "data of {} observations and {} actions for a model of {} and {}",
                data.dims().obs,
                data.dims().act,
                self.dims.obs,
                self.dims.act
            )));
        }
        let mut design = Design { rows: rows.len(), ..Design::default() };
        design.input.reserve_exact(rows.len() * self.input());
        design.target.reserve_exact(rows.len() * self.target());
        design.ended.reserve_exact(rows.len());
        let mut batch = TransitionBatch::new(self.dims);
        for numbers in rows.chunks(CHUNK) {
            data.gather(numbers, &mut batch)?;
            for (row, number) in batch.iter().zip(numbers) {
                check("observation", row.obs, *number)?;
                check("action", row.act, *number)?;
                check("next observation", row.next_obs, *number)?;
                check("reward", &[row.reward], *number)?;
                design.input.extend_from_slice(row.obs);
                design.input.extend_from_slice(row.act);
                let from = design.target.len();
                design.target.extend(row.next_obs.iter().zip(row.obs).map(|(next, obs)| next - obs));
                // Of two finite numbers far apart the difference may not be.
                check("change of observation", &design.target[from..], *number)?;
                if self.reward {
                    design.target.push(row.reward);
                }
                design.ended.push(if row.end == End::Terminated { 1.0 } else { 0.0 });
            }
        }
        Ok(design)
    }
}

impl Design {
    /// Normalises what goes in and what should come out.
    pub(crate) fn normalize(&mut self, input: &Normalizer, target: &Normalizer) {
        input.apply(&mut self.input);
        target.apply(&mut self.target);
    }
}

fn check(name: &str, numbers: &[f32], row: u32) -> Result<()> {
    match numbers.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(column) => Err(Error::non_finite(format_args!(
            "{name} {column} of row {row} is {}: leave the row out, or mend it",
            numbers[column]
        ))),
    }
}
