//! A measure of uncertainty made ready for a model.

use super::row::check_elites;
use super::{Members, UncertaintySpec, uncertainty_from};
use mbrl_core::{Error, Lent, MomentsMut, Result, Rows, Scratch, ScratchSpec, Spread};

/// A measure with the elites that it is to look at: the uncertainty of any states and actions.
#[derive(Clone, Debug, PartialEq)]
pub struct Gauge {
    spec: UncertaintySpec,
    elites: Vec<u16>,
}

/// Moments are asked for so many rows at a time: those of a large batch would fill more memory than the batch itself,
/// members × 2 times over.
const CHUNK: usize = 2048;

impl Gauge {
    /// A measure for `model`.
    ///
    /// `elites` are looked at by [`Members::Elites`] alone. Refused are elites that the model does not have, and a measure
    /// that compares members where there is one: it would be zero everywhere.
    pub fn new(spec: UncertaintySpec, elites: &[u16], model: &(impl Spread + ?Sized)) -> Result<Self> {
        let counted = match spec.members {
            Members::All => model.members(),
            Members::Elites => {
                check_elites(Some(elites), model.members())?;
                elites.len()
            }
        };
        if counted < 2 && spec.measure.compares_members() {
            return Err(Error::invalid(format_args!(
                "{} compares members and there is {counted}: take more, or a measure of their variance",
                spec.measure
            )));
        }
        Ok(Gauge { spec, elites: elites.to_vec() })
    }

    /// What is measured.
    pub fn spec(&self) -> UncertaintySpec {
        self.spec
    }

    /// Writes how unsure `model` is of each row, `[rows, state]` and `[rows, act]` to `[rows]`.
    pub fn measure(
        &self,
        model: &(impl Spread + ?Sized),
        state: Rows<'_>,
        act: Rows<'_>,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<()> {
        let rows = state.len();
        if [act.len(), out.len()] != [rows; 2] {
            return Err(Error::invalid(format_args!(
                "{rows} states, {} actions and room for {} uncertainties: give as many of each",
                act.len(),
                out.len()
            )));
        }
        let (dim, members) = (model.moment_dim(), model.members());
        let most = rows.min(CHUNK) * dim * members;
        let Lent { floats, inner, .. } =
            scratch.lend(ScratchSpec { floats: 2 * most, ..ScratchSpec::default() });
        let (mean, variance) = floats.split_at_mut(most);
        for (i, out) in out.chunks_mut(CHUNK).enumerate() {
            let (first, len) = (i * CHUNK, out.len());
            let used = len * dim * members;
            let (mean, variance) = (&mut mean[..used], &mut variance[..used]);
            let (state, act) = (state.slice(first..first + len), act.slice(first..first + len));
            let asked = MomentsMut::new(mean, variance, len, dim);
            model.moments(state, act, asked, inner).map_err(|error| match first {
                0 => error,
                // The model counts the rows that it was given.
                _ => error.wrap(format_args!("of the rows from {first}")),
            })?;
            let moments = MomentsMut::new(mean, variance, len, dim);
            uncertainty_from(first, self.spec, moments.view(), model.state_dim(), &self.elites, out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::fake::{Fake, member};
    use crate::measure::{Uncertainty, uncertainty};

    fn states(rows: usize) -> Vec<f32> {
        (0..2 * rows).map(|i| (i % 37) as f32 / 8.0 - 2.0).collect()
    }

    #[test]
    fn chunks_are_not_seen() {
        let model = Fake::of(2, vec![member(0.5, 0.25, 0.5, 1.0), member(0.75, -0.5, 0.25, 0.5)]);
        let rows = 2 * CHUNK + 17;
        let states = states(rows);
        let acts: Vec<f32> = (0..rows).map(|i| (i % 41) as f32 / 8.0).collect();
        let (state, act) = (Rows::new(&states, 2).unwrap(), Rows::new(&acts, 1).unwrap());
        for measure in Uncertainty::ALL {
            let gauge = Gauge::new(measure.published(), &[], &model).unwrap();
            let mut chunked = vec![0.0; rows];
            gauge.measure(&model, state, act, &mut chunked, &mut Scratch::default()).unwrap();
            let (mut mean, mut variance) = (vec![0.0; 6 * rows], vec![0.0; 6 * rows]);
            let asked = MomentsMut::new(&mut mean, &mut variance, rows, 3);
            model.moments(state, act, asked, &mut Scratch::default()).unwrap();
            let moments = MomentsMut::new(&mut mean, &mut variance, rows, 3);
            let mut whole = vec![0.0; rows];
            uncertainty(measure.published(), moments.view(), 2, &[], &mut whole).unwrap();
            assert!(whole.iter().zip(&chunked).all(|(a, b)| a.to_bits() == b.to_bits()), "{measure}");
        }
    }

    #[test]
    fn a_bad_row_of_a_later_chunk_is_named() {
        let model = Fake::of(2, vec![member(1.0, 0.0, 0.5, 1.0); 2]);
        let rows = CHUNK + 9;
        let mut states = states(rows);
        states[2 * (CHUNK + 5) + 1] = f32::INFINITY;
        let (state, acts) = (Rows::new(&states, 2).unwrap(), vec![0.0; rows]);
        let gauge = Gauge::new(UncertaintySpec::default(), &[], &model).unwrap();
        let mut out = vec![0.0; rows];
        let error = gauge
            .measure(&model, state, Rows::new(&acts, 1).unwrap(), &mut out, &mut Scratch::default())
            .unwrap_err();
        assert!(error.is_non_finite());
        assert_eq!(error.to_string(), "member 0 predicts the mean inf for column 1 of row 2053");
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        let model = Fake::of(1, vec![member(1.0, 0.0, 0.5, 0.0); 3]);
        let elites =
            |measure: Uncertainty| UncertaintySpec { members: Members::Elites, ..measure.published() };
        let refused = |spec, elites: &[u16]| Gauge::new(spec, elites, &model).unwrap_err().to_string();
        assert!(refused(elites(Uncertainty::MaxStdNorm), &[]).contains("no elites"));
        assert!(refused(elites(Uncertainty::MaxStdNorm), &[0, 3]).contains("elite 3 of 3"));
        assert!(refused(elites(Uncertainty::MaxStdNorm), &[1, 1]).contains("twice"));
        assert!(refused(elites(Uncertainty::MaxDeviation), &[1]).contains("compares members"));
        assert!(Gauge::new(elites(Uncertainty::MaxStdNorm), &[1], &model).is_ok());
        let gauge = Gauge::new(UncertaintySpec::default(), &[], &model).unwrap();
        let state = Rows::new(&[0.0, 1.0], 1).unwrap();
        let error =
            gauge.measure(&model, state, Rows::single(&[0.0]), &mut [0.0; 2], &mut Scratch::default());
        assert!(error.unwrap_err().is_invalid());
    }
}
