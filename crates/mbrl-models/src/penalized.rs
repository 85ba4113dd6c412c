//! A model that pays for its uncertainty: MOPO's penalised model.

use crate::measure::{Gauge, UncertaintySpec};
use mbrl_core::{
    DynamicsModel, Error, Lent, ModelInput, ModelOutput, MomentsMut, NoiseSpec, Result, Rows, RowsMut,
    Scratch, ScratchSpec, Spread,
};
use std::fmt;
use std::ops::Deref;

/// A model whose rewards are lowered by λ times its uncertainty: r̃ = r − λ·u(s, a), of MOPO (Yu et al., 2020).
///
/// The model is behind a pointer `P` of the caller's choice: `&model`, `&dyn Spread` (what
/// [`Belief::spread`](mbrl_core::Belief::spread) gives), `Box<dyn Spread>` or `Arc<Ensemble>`. A belief lends its model
/// between two fits only, so a wrapper is made for each imagination and costs nothing but its list of elites.
///
/// Successors and ends are the model's own. So are its [moments](Spread::moments): of a learnt reward they predict what it
/// was before the penalty. With λ = 0 this *is* the model, to the bit and to the error, and its moments are not asked for.
pub struct Penalized<P> {
    model: P,
    gauge: Gauge,
    lambda: f64,
}

impl<P: Deref<Target: Spread>> Penalized<P> {
    /// `model` with the penalty weight λ ≥ 0. `elites` are those that the measure looks at, where it looks at elites.
    pub fn new(model: P, lambda: f64, measure: UncertaintySpec, elites: &[u16]) -> Result<Self> {
        if !(lambda.is_finite() && lambda >= 0.0) {
            return Err(Error::invalid(format_args!(
                "the penalty weight λ is {lambda}: it must be at least 0 and finite"
            )));
        }
        let gauge = Gauge::new(measure, elites, &*model)?;
        Ok(Penalized { model, gauge, lambda })
    }

    /// λ.
    pub fn lambda(&self) -> f64 {
        self.lambda
    }

    /// How uncertainty is measured.
    pub fn gauge(&self) -> &Gauge {
        &self.gauge
    }
}

impl<P: Deref<Target: Spread> + Send + Sync> DynamicsModel for Penalized<P> {
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
        if self.lambda <= 0.0 {
            return self.model.step(input, out, scratch);
        }
        let ModelOutput { next_state, reward, end } = out;
        let rows = input.state.len();
        let Lent { floats: unsure, inner, .. } =
            scratch.lend(ScratchSpec { floats: rows, ..ScratchSpec::default() });
        self.model.step(input, ModelOutput { next_state, reward: &mut *reward, end }, inner)?;
        self.gauge.measure(&*self.model, input.state, input.act, unsure, inner)?;
        for (row, (reward, unsure)) in reward.iter_mut().zip(unsure).enumerate() {
            *reward = (f64::from(*reward) - self.lambda * f64::from(*unsure)) as f32;
            if !reward.is_finite() {
                let member = input.member[row];
                return Err(Error::non_finite(format_args!(
                    "member {member} earns {reward} in row {row}, penalised by {} times {unsure}",
                    self.lambda
                )));
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

impl<P: Deref<Target: Spread> + Send + Sync> Spread for Penalized<P> {
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

impl<P> fmt::Debug for Penalized<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Penalized")
            .field("lambda", &self.lambda)
            .field("gauge", &self.gauge)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::fake::{Fake, Trace, member};
    use crate::measure::Uncertainty;
    use mbrl_testkit::check_model;
    use std::sync::Arc;

    fn model() -> Fake {
        Fake::of(
            2,
            vec![member(0.5, 0.25, 0.5, 1.0), member(0.75, -0.5, 0.25, 0.5), member(1.0, 1.0, 2.0, 0.0)],
        )
    }

    #[test]
    fn the_contract_holds_with_every_measure() {
        let (states, acts): (Vec<f32>, Vec<f32>) =
            ((0..14).map(|i| i as f32 / 4.0 - 1.5).collect(), (0..7).map(|i| i as f32 / 8.0).collect());
        let (state, act) = (Rows::new(&states, 2).unwrap(), Rows::new(&acts, 1).unwrap());
        for measure in Uncertainty::ALL {
            for lambda in [0.0, 2.5] {
                let model = Penalized::new(Box::new(model()), lambda, measure.published(), &[]).unwrap();
                check_model(&model, state, act).unwrap();
            }
        }
    }

    #[test]
    fn the_reward_pays_and_nothing_else_changes() {
        let bare = model();
        let lambda = 0.7;
        let spec = Uncertainty::MaxDeviation.published();
        let penalized = Penalized::new(&bare, lambda, spec, &[]).unwrap();
        let trace = Trace::of(&bare, 50, None).unwrap();
        let paid = Trace::of(&penalized, 50, None).unwrap();
        assert_eq!((&trace.next, &trace.end), (&paid.next, &paid.end));
        let (state, act) = Trace::asked(&bare, 50, None);
        let mut unsure = vec![0.0; 50];
        let gauge = Gauge::new(spec, &[], &bare).unwrap();
        gauge.measure(&bare, state.view(), act.view(), &mut unsure, &mut Scratch::default()).unwrap();
        assert!(unsure.iter().any(|u| *u > 0.1));
        for ((paid, bare), unsure) in paid.reward.iter().zip(&trace.reward).zip(unsure) {
            let expected = f64::from(f32::from_bits(*bare)) - lambda * f64::from(unsure);
            assert_eq!(*paid, (expected as f32).to_bits());
        }
    }

    #[test]
    fn without_weight_it_is_the_model_bits_and_errors() {
        // Moments that nobody may ask for, and a state that is not finite.
        for bare in [model(), Fake { broken_moments: true, ..model() }] {
            for (lambda, bad) in [(0.0, None), (-0.0, None), (0.0, Some(3))] {
                let penalized =
                    Penalized::new(&bare, lambda, Uncertainty::EnsembleStd.published(), &[]).unwrap();
                match (Trace::of(&bare, 20, bad), Trace::of(&penalized, 20, bad)) {
                    (Ok(a), Ok(b)) => assert_eq!(a, b),
                    (Err(a), Err(b)) => assert_eq!((a.kind(), a.to_string()), (b.kind(), b.to_string())),
                    (a, b) => panic!("{a:?} and {b:?}"),
                }
            }
        }
        let broken = Fake { broken_moments: true, ..model() };
        let penalized = Penalized::new(&broken, 0.1, UncertaintySpec::default(), &[]).unwrap();
        assert!(Trace::of(&penalized, 20, None).unwrap_err().is_non_finite());
    }

    #[test]
    fn any_pointer_to_a_model_will_do() {
        let (bare, spec) = (model(), UncertaintySpec::default());
        let expected = Trace::of(&Penalized::new(&bare, 1.0, spec, &[]).unwrap(), 9, None).unwrap();
        let dynamic: &dyn Spread = &bare;
        let boxed: Box<dyn Spread> = Box::new(model());
        assert_eq!(Trace::of(&Penalized::new(dynamic, 1.0, spec, &[]).unwrap(), 9, None).unwrap(), expected);
        assert_eq!(Trace::of(&Penalized::new(boxed, 1.0, spec, &[]).unwrap(), 9, None).unwrap(), expected);
        let shared = Penalized::new(Arc::new(model()), 1.0, spec, &[]).unwrap();
        assert_eq!(Trace::of(&shared, 9, None).unwrap(), expected);
        // Also around itself, where the penalties add up.
        let twice = Penalized::new(&shared, 0.0, spec, &[]).unwrap();
        assert_eq!(Trace::of(&twice, 9, None).unwrap(), expected);
    }

    #[test]
    fn weights_that_make_no_sense_are_refused() {
        for lambda in [-1.0, f64::NAN, f64::INFINITY] {
            let error = Penalized::new(&model(), lambda, UncertaintySpec::default(), &[]).unwrap_err();
            assert!(error.is_invalid() && error.to_string().contains("λ"), "{error}");
        }
        let penalized = Penalized::new(Box::new(model()), f64::MAX, UncertaintySpec::default(), &[]).unwrap();
        let error = Trace::of(&penalized, 9, None).unwrap_err();
        assert!(
            error.is_non_finite() && error.to_string().contains("member 0 earns -inf in row 0"),
            "{error}"
        );
    }
}
