//! A model that stops where it is too unsure: MOReL's pessimistic world.

use crate::measure::{Gauge, UncertaintySpec};
use mbrl_core::{
    DynamicsModel, End, Error, Lent, ModelInput, ModelOutput, MomentsMut, NoiseSpec, Result, Rows, RowsMut,
    Scratch, ScratchSpec, Spread,
};
use std::fmt;
use std::ops::Deref;

/// A model whose episodes end as [`End::Terminated`] where its uncertainty is above a threshold; what such a move earned is
/// replaced by the halt reward, a negative number. Up to the two differences below this is the pessimistic MDP of MOReL
/// (Kidambi et al., 2020).
///
/// There such a move leads to an absorbing state HALT, which earns −κ at every step for ever. HALT is no observation, so
/// here the move itself earns the halt reward, once, and has no future; the successor that is written is the model's. With a
/// discount γ the paper's −κ for ever is worth −γκ/(1 − γ) at the move, and its move keeps its own reward besides. The
/// published threshold goes with [`UncertaintySpec::MOREL`] and is a multiple of the most that the data reach.
///
/// Halting goes before what the model says of the row's reward and end. The model is behind a pointer of the caller's
/// choice, as in [`Penalized`](crate::penalized::Penalized). With an infinite threshold this is the model, to the bit and to
/// the error, and its moments are not asked for.
pub struct Halting<P> {
    model: P,
    gauge: Gauge,
    threshold: f64,
    halt_reward: f32,
}

impl<P: Deref<Target: Spread>> Halting<P> {
    /// `model` with a threshold ≥ 0, and what crossing it earns. `elites` are those that the measure looks at, where it
    /// looks at elites.
    pub fn new(
        model: P,
        threshold: f64,
        halt_reward: f32,
        measure: UncertaintySpec,
        elites: &[u16],
    ) -> Result<Self> {
        if threshold.is_nan() || threshold < 0.0 {
            return Err(Error::invalid(format_args!(
                "the threshold of uncertainty is {threshold}: it must be at least 0"
            )));
        }
        if !halt_reward.is_finite() {
            return Err(Error::invalid(format_args!("the halt reward is {halt_reward}: it must be finite")));
        }
        let gauge = Gauge::new(measure, elites, &*model)?;
        Ok(Halting { model, gauge, threshold, halt_reward })
    }

    /// Up to here the model is believed.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// What a move past the threshold earns.
    pub fn halt_reward(&self) -> f32 {
        self.halt_reward
    }

    /// How uncertainty is measured.
    pub fn gauge(&self) -> &Gauge {
        &self.gauge
    }
}

impl<P: Deref<Target: Spread> + Send + Sync> DynamicsModel for Halting<P> {
    fn state_dim(&self) -> usize {
        self.model.state_dim()
    }

    fn act_dim(&self) -> usize {
        self.model.act_dim()
    }

    fn members(&self) -> usize {
        self.model.members()
    }

    fn noise_spec(&self) -> NoiseSpec {
        self.model.noise_spec()
    }

    fn step(&self, input: ModelInput<'_>, out: ModelOutput<'_>, scratch: &mut Scratch) -> Result<()> {
        if self.threshold.is_infinite() {
            return self.model.step(input, out, scratch);
        }
        let ModelOutput { next_state, reward, end } = out;
        let rows = input.state.len();
        let Lent { floats: unsure, inner, .. } =
            scratch.lend(ScratchSpec { floats: rows, ..ScratchSpec::default() });
        self.model.step(input, ModelOutput { next_state, reward: &mut *reward, end: &mut *end }, inner)?;
        self.gauge.measure(&*self.model, input.state, input.act, unsure, inner)?;
        for ((reward, end), unsure) in reward.iter_mut().zip(end).zip(unsure) {
            if f64::from(*unsure) > self.threshold {
                *reward = self.halt_reward;
                *end = End::Terminated;
            }
        }
        Ok(())
    }

    fn obs_dim(&self) -> usize {
        self.model.obs_dim()
    }

    fn encode(&self, obs: Rows<'_>, state: RowsMut<'_>, scratch: &mut Scratch) -> Result<()> {
        self.model.encode(obs, state, scratch)
    }
}

impl<P: Deref<Target: Spread> + Send + Sync> Spread for Halting<P> {
    fn moment_dim(&self) -> usize {
        self.model.moment_dim()
    }

    fn moments(
        &self,
        state: Rows<'_>,
        act: Rows<'_>,
        out: MomentsMut<'_>,
        scratch: &mut Scratch,
    ) -> Result<()> {
        self.model.moments(state, act, out, scratch)
    }
}

impl<P> fmt::Debug for Halting<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Halting")
            .field("threshold", &self.threshold)
            .field("halt_reward", &self.halt_reward)
            .field("gauge", &self.gauge)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::fake::{Fake, Trace, member};
    use crate::penalized::Penalized;
    use mbrl_testkit::check_model;

    /// Two members that differ by |s₀| + |a| + 1 in the first of two columns and by twice that in the other.
    fn model() -> Fake {
        Fake::of(2, vec![member(0.5, 0.0, 0.5, 1.0), member(0.5, 1.0, 0.5, 1.0)])
    }

    fn halting(model: Fake, threshold: f64) -> Result<Halting<Box<Fake>>> {
        Halting::new(Box::new(model), threshold, -50.0, UncertaintySpec::MOREL, &[])
    }

    #[test]
    fn the_contract_holds() {
        let (states, acts): (Vec<f32>, Vec<f32>) =
            ((0..14).map(|i| i as f32 / 4.0 - 1.5).collect(), (0..7).map(|i| i as f32 / 8.0).collect());
        let (state, act) = (Rows::new(&states, 2).unwrap(), Rows::new(&acts, 1).unwrap());
        for threshold in [0.0, 3.0, f64::INFINITY] {
            check_model(&halting(model(), threshold).unwrap(), state, act).unwrap();
        }
    }

    #[test]
    fn past_the_threshold_and_not_at_it() {
        let bare = model();
        let trace = Trace::of(&bare, 50, None).unwrap();
        let (state, act) = Trace::asked(&bare, 50, None);
        let mut unsure = vec![0.0; 50];
        let gauge = Gauge::new(UncertaintySpec::MOREL, &[], &bare).unwrap();
        gauge.measure(&bare, state.view(), act.view(), &mut unsure, &mut Scratch::default()).unwrap();
        // The threshold is what one of the rows reaches.
        let threshold = unsure[7];
        let halted = Trace::of(&halting(bare, f64::from(threshold)).unwrap(), 50, None).unwrap();
        assert_eq!(halted.next, trace.next);
        assert!(unsure.iter().any(|u| *u > threshold) && unsure.iter().any(|u| *u < threshold));
        for (row, unsure) in unsure.iter().enumerate() {
            let expected = match *unsure > threshold {
                true => ((-50.0f32).to_bits(), End::Terminated),
                false => (trace.reward[row], trace.end[row]),
            };
            assert_eq!((halted.reward[row], halted.end[row]), expected, "row {row}");
        }
    }

    #[test]
    fn without_a_threshold_it_is_the_model_bits_and_errors() {
        for bad in [None, Some(2)] {
            let bare = Fake { broken_moments: true, ..model() };
            let halting = Halting::new(&bare, f64::INFINITY, 0.0, UncertaintySpec::MOREL, &[]).unwrap();
            match (Trace::of(&bare, 20, bad), Trace::of(&halting, 20, bad)) {
                (Ok(a), Ok(b)) => assert_eq!(a, b),
                (Err(a), Err(b)) => assert_eq!(a.to_string(), b.to_string()),
                (a, b) => panic!("{a:?} and {b:?}"),
            }
        }
    }

    #[test]
    fn it_goes_around_other_wrappers() {
        let dynamic: &dyn Spread = &model();
        let paid = Penalized::new(dynamic, 1.0, UncertaintySpec::default(), &[]).unwrap();
        let both = Halting::new(&paid, 3.0, -50.0, UncertaintySpec::MOREL, &[]).unwrap();
        let trace = Trace::of(&both, 50, None).unwrap();
        let halted = trace.end.iter().filter(|end| **end == End::Terminated).count();
        assert!((1..50).contains(&halted));
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        for threshold in [-1.0, f64::NAN] {
            assert!(halting(model(), threshold).unwrap_err().is_invalid());
        }
        let model = model();
        assert!(Halting::new(&model, 1.0, f32::NAN, UncertaintySpec::MOREL, &[]).unwrap_err().is_invalid());
        let one = Fake::of(1, vec![member(1.0, 0.0, 1.0, 0.0)]);
        let error = Halting::new(&one, 1.0, 0.0, UncertaintySpec::MOREL, &[]).unwrap_err().to_string();
        assert!(error.contains("max_pairwise_distance compares members and there is 1"), "{error}");
    }
}
