//! What a model predicts of recorded transitions, chunk by chunk.

use crate::measure::check_moments;
use mbrl_core::{
    Context, Dataset, Error, Moments, MomentsMut, Result, RowBuf, Rows, Scratch, Spread, TransitionBatch,
};

/// A model and the transitions to judge it by.
pub(super) struct Predictions<'a> {
    model: &'a dyn Spread,
    data: &'a dyn Dataset,
    rows: &'a [u32],
    /// Columns of a predicted moment.
    pub(super) dim: usize,
    /// Those of them that are the state; one more is the learnt reward.
    pub(super) state_dim: usize,
}

/// Some of the transitions, and what the members predict of them.
pub(super) struct Chunk<'a> {
    /// Where each is, `[rows, state]`.
    pub(super) state: Rows<'a>,
    /// What truly came, `[rows, moment]`.
    pub(super) target: Rows<'a>,
    /// What the members say of it: finite, and no variance below zero.
    pub(super) moments: Moments<'a>,
    /// The numbers of the transitions in the data.
    pub(super) rows: &'a [u32],
}

const CHUNK: usize = 1024;

impl<'a> Predictions<'a> {
    /// Refuses no rows, rows that are not there, and data or a model of another shape.
    pub(super) fn new(model: &'a dyn Spread, data: &'a dyn Dataset, rows: &'a [u32]) -> Result<Self> {
        check_rows(data, rows)?;
        check_dims(model.obs_dim(), model.act_dim(), data)?;
        let (dim, state_dim) = (model.moment_dim(), model.state_dim());
        if state_dim == 0 || !(dim == state_dim || dim == state_dim + 1) || model.members() == 0 {
            return Err(Error::invalid(format_args!(
                "{} members predict moments of {dim} columns for states of {state_dim}: the state comes first, then at most the reward",
                model.members()
            )));
        }
        Ok(Predictions { model, data, rows, dim, state_dim })
    }

    /// The number of members.
    pub(super) fn members(&self) -> usize {
        self.model.members()
    }

    /// Visits the transitions in order.
    pub(super) fn each(&self, mut visit: impl FnMut(Chunk<'_>) -> Result<()>) -> Result<()> {
        let mut batch = TransitionBatch::default();
        let (mut state, mut next, mut target) = (RowBuf::default(), RowBuf::default(), RowBuf::default());
        let (mut mean, mut variance) = (Vec::new(), Vec::new());
        let mut scratch = Scratch::default();
        for rows in self.rows.chunks(CHUNK) {
            self.data.gather(rows, &mut batch)?;
            check_batch(&batch, rows)?;
            let n = rows.len();
            state.reshape(n, self.state_dim);
            next.reshape(n, self.state_dim);
            self.model.encode(batch.obs.view(), state.view_mut(), &mut scratch)?;
            self.model.encode(batch.next_obs.view(), next.view_mut(), &mut scratch)?;
            target.reshape(n, self.dim);
            for row in 0..n {
                let (of_state, of_reward) = target.row_mut(row).split_at_mut(self.state_dim);
                of_state.copy_from_slice(next.row(row));
                of_reward.fill(batch.reward[row]);
            }
            mean.resize(self.members() * n * self.dim, 0.0);
            variance.resize(self.members() * n * self.dim, 0.0);
            let asked = MomentsMut::new(&mut mean, &mut variance, n, self.dim);
            self.model
                .moments(state.view(), batch.act.view(), asked, &mut scratch)
                .with_context(|| format!("predicting the {n} rows from row {} on", rows[0]))?;
            let moments = MomentsMut::new(&mut mean, &mut variance, n, self.dim);
            for (row, &called) in rows.iter().enumerate() {
                check_moments(moments.view(), row, called as usize)?;
            }
            let chunk = Chunk { state: state.view(), target: target.view(), moments: moments.view(), rows };
            visit(chunk)?;
        }
        Ok(())
    }
}

/// Writes what the members predict on average for `row`, `[moment]`.
pub(super) fn average(moments: Moments<'_>, row: usize, out: &mut [f64]) {
    out.fill(0.0);
    let members = moments.members();
    for member in 0..members {
        let mean = moments.mean(member, row);
        out.iter_mut().zip(mean).for_each(|(out, mean)| *out += f64::from(*mean));
    }
    out.iter_mut().for_each(|out| *out /= members as f64);
}

/// Refuses no rows, and rows that the data do not have.
pub(super) fn check_rows(data: &dyn Dataset, rows: &[u32]) -> Result<()> {
    if rows.is_empty() {
        return Err(Error::invalid("no rows to judge the model by: hold some out"));
    }
    match rows.iter().find(|&&row| row as usize >= data.len()) {
        Some(row) => {
            Err(Error::invalid(format_args!("row {row} of {} transitions: they count from 0", data.len())))
        }
        None => Ok(()),
    }
}

/// Refuses data of other widths than the model's.
pub(super) fn check_dims(obs: usize, act: usize, data: &dyn Dataset) -> Result<()> {
    let dims = data.dims();
    if (dims.obs, dims.act) != (obs, act) {
        return Err(Error::invalid(format_args!(
            "the data have {} numbers in an observation and {} in an action, the model {obs} and {act}",
            dims.obs, dims.act
        )));
    }
    Ok(())
}

/// Refuses numbers that are not finite; `rows` are what the transitions are called.
pub(super) fn check_batch(batch: &TransitionBatch, rows: &[u32]) -> Result<()> {
    let tables = [("obs", &batch.obs), ("act", &batch.act), ("next_obs", &batch.next_obs)];
    for (name, table) in tables {
        if let Some((row, column)) = table.view().find_non_finite() {
            return Err(Error::non_finite(format_args!(
                "{name} column {column} of row {} of the data is {}",
                rows[row],
                table.row(row)[column]
            )));
        }
    }
    match batch.reward.iter().position(|reward| !reward.is_finite()) {
        Some(row) => Err(Error::non_finite(format_args!(
            "the reward of row {} of the data is {}",
            rows[row], batch.reward[row]
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::fake::{Encoded, Fake, four_members, member, played, recorded};
    use crate::diagnostics::{
        CALIBRATION_LEVELS, OpenLoop, RankSpec, Windows, calibration, compounding, log_likelihood, one_step,
        rank_correlation,
    };
    use crate::halting::Halting;
    use crate::measure::UncertaintySpec;
    use crate::penalized::Penalized;
    use mbrl_core::{Key, Mode};

    fn all(model: &dyn Spread, data: &dyn Dataset, rows: &[u32]) -> Vec<Error> {
        vec![
            one_step(model, data, rows).unwrap_err(),
            log_likelihood(model, data, rows).unwrap_err(),
            calibration(model, data, rows, &CALIBRATION_LEVELS).unwrap_err(),
            rank_correlation(model, data, rows, RankSpec::default()).unwrap_err(),
            compounding(model, data, &Windows { first: rows.to_vec(), horizon: 1, lanes: 1 }, OpenLoop::Mean)
                .unwrap_err(),
        ]
    }

    #[test]
    fn bad_input_gives_one_error_everywhere() {
        let model = Fake::of(2, vec![member(0.5, 0.25, 0.5, 0.5), member(0.75, -0.5, 0.5, 0.25)]);
        let data = recorded(2, 2000);
        let rows: Vec<u32> = (0..2000).collect();
        for error in all(&model, &data, &[]) {
            assert!(error.is_invalid() && error.to_string().contains("no rows"), "{error}");
        }
        for error in all(&model, &data, &[3, 2000]) {
            assert!(error.is_invalid() && error.to_string().contains("row 2000 of 2000"), "{error}");
        }
        for error in all(&model, &recorded(3, 9), &[0]) {
            assert!(error.is_invalid() && error.to_string().contains("the model 2 and 1"), "{error}");
        }
        let mut bad = data.clone();
        bad.next_obs.row_mut(1500)[1] = f32::NAN;
        for error in all(&model, &bad, &rows) {
            assert!(error.is_non_finite(), "{error}");
            assert_eq!(error.to_string(), "next_obs column 1 of row 1500 of the data is NaN");
        }
        let mut bad = data.clone();
        bad.reward[1600] = f32::INFINITY;
        for error in all(&model, &bad, &rows) {
            assert_eq!(error.to_string(), "the reward of row 1600 of the data is inf");
        }
    }

    #[test]
    fn moments_that_are_no_numbers_are_named_by_the_row_of_the_data() {
        let mut model = Fake::of(2, vec![member(0.5, 0.25, 0.5, 0.5); 2]);
        let mut data = recorded(2, 2000);
        data.obs.row_mut(1234)[0] = 3e38;
        model.members[1].gain = 4.0;
        for error in all(&model, &data, &(0..2000).collect::<Vec<_>>()).iter().take(4) {
            assert!(error.is_non_finite(), "{error}");
            let said = error.to_string();
            assert!(["member", "column 0", "row 1234"].iter().all(|part| said.contains(part)), "{said}");
        }
    }

    #[test]
    fn chunks_cover_the_rows_in_their_order() {
        let model = Fake::of(2, vec![member(0.5, 0.25, 0.5, 0.5); 3]);
        let data = recorded(2, 3000);
        let rows: Vec<u32> = (0..2500).map(|i| (i * 7) % 3000).collect();
        let mut seen = Vec::new();
        let predictions = Predictions::new(&model, &data, &rows).unwrap();
        predictions
            .each(|chunk| {
                assert_eq!((chunk.moments.members(), chunk.moments.rows()), (3, chunk.rows.len()));
                for (row, &at) in chunk.rows.iter().enumerate() {
                    let transition = data.get(at as usize);
                    assert_eq!(chunk.state.row(row), transition.obs);
                    assert_eq!(chunk.target.row(row)[..2], *transition.next_obs);
                    assert_eq!(chunk.target.row(row)[2].to_bits(), transition.reward.to_bits());
                }
                seen.extend_from_slice(chunk.rows);
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, rows);
    }

    #[test]
    fn a_model_with_an_encoder_is_judged_by_its_states() {
        let bare = four_members();
        let model = Encoded(bare.clone());
        let states = played(&bare, 300, Mode::Sample, Key::root(1));
        let seen = Encoded::observed(&states);
        let rows: Vec<u32> = (0..300).collect();
        assert_eq!(one_step(&model, &seen, &rows).unwrap(), one_step(&bare, &states, &rows).unwrap());
        let levels = &CALIBRATION_LEVELS;
        assert_eq!(
            calibration(&model, &seen, &rows, levels).unwrap(),
            calibration(&bare, &states, &rows, levels).unwrap()
        );
        let windows = Windows::find(&seen, 7, 1).unwrap();
        assert_eq!(
            compounding(&model, &seen, &windows, OpenLoop::Mean).unwrap(),
            compounding(&bare, &states, &windows, OpenLoop::Mean).unwrap()
        );
        // Wrappers hand the encoder on.
        let paid = Penalized::new(&model, 1.0, UncertaintySpec::default(), &[]).unwrap();
        let halting = Halting::new(&paid, 1.0, 0.0, UncertaintySpec::MOREL, &[]).unwrap();
        assert_eq!(one_step(&halting, &seen, &rows).unwrap(), one_step(&bare, &states, &rows).unwrap());
    }

    #[test]
    fn results_are_plain_data() {
        fn parses<T: serde::Serialize + serde::de::DeserializeOwned>(found: Result<T>) {
            let json = serde_json::to_string(&found.unwrap()).unwrap();
            assert!(!json.contains("null"), "{json}");
            serde_json::from_str::<T>(&json).unwrap();
        }
        let (model, data) = (four_members(), played(&four_members(), 50, Mode::Sample, Key::root(1)));
        let rows: Vec<u32> = (0..50).collect();
        parses(one_step(&model, &data, &rows));
        parses(log_likelihood(&model, &data, &rows));
        parses(calibration(&model, &data, &rows, &[0.5, 0.9]));
        parses(rank_correlation(&model, &data, &rows, RankSpec::default()));
        parses(compounding(&model, &data, &Windows::find(&data, 3, 1).unwrap(), OpenLoop::Mean));
    }
}
