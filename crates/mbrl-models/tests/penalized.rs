//! A penalised or halted model allocates nothing once its memory has grown.

use mbrl_core::{
    DynamicsModel, End, Key, Mode, ModelInput, ModelOutput, MomentsMut, NoiseBuf, NoiseSpec, Result, RowBuf,
    Rows, Scratch, Spread,
};
use mbrl_models::{Gauge, Halting, Penalized, Uncertainty, UncertaintySpec};
use mbrl_testkit::{CountingAlloc, allocations, check_model, fakes::Drift};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// [`Drift`], which knows its moments: the mean is state + action + member, the variance σ².
struct Known(Drift);

impl DynamicsModel for Known {
    fn state_dim(&self) -> usize {
        self.0.state_dim()
    }

    fn act_dim(&self) -> usize {
        self.0.act_dim()
    }

    fn members(&self) -> usize {
        self.0.members()
    }

    fn noise_spec(&self) -> NoiseSpec {
        self.0.noise_spec()
    }

    fn step(&self, input: ModelInput<'_>, out: ModelOutput<'_>, scratch: &mut Scratch) -> Result<()> {
        self.0.step(input, out, scratch)
    }
}

impl Spread for Known {
    fn moment_dim(&self) -> usize {
        1
    }

    fn moments(
        &self,
        state: Rows<'_>,
        act: Rows<'_>,
        mut out: MomentsMut<'_>,
        _: &mut Scratch,
    ) -> Result<()> {
        for (member, (mean, variance)) in out.members_mut().enumerate() {
            for (row, mean) in mean.iter_mut().enumerate() {
                *mean = state.row(row)[0] + act.row(row)[0] + member as f32;
            }
            variance.fill(self.0.sigma * self.0.sigma);
        }
        Ok(())
    }
}

#[test]
fn imagining_again_allocates_nothing() {
    let model = Known(Drift { members: 5, sigma: 0.5 });
    let dynamic: &dyn Spread = &model;
    let rows = 5000;
    let (state, act) = (RowBuf::zeros(rows, 1), RowBuf::zeros(rows, 1));
    let member: Vec<u16> = (0..rows).map(|row| (row % 5) as u16).collect();
    let mut noise = NoiseBuf::default();
    noise.fill(model.noise_spec(), rows, Key::root(0));
    for measure in Uncertainty::ALL {
        let spec = measure.published();
        let penalized = Penalized::new(dynamic, 1.0, spec, &[]).unwrap();
        let halting = Halting::new(&penalized, 0.1, -50.0, UncertaintySpec::MOREL, &[]).unwrap();
        let (mut next, mut reward, mut end) =
            (RowBuf::zeros(rows, 1), vec![0.0; rows], vec![End::Running; rows]);
        let mut scratch = Scratch::default();
        let mut step = || {
            let (state, act, noise) = (state.view(), act.view(), noise.view());
            let input = ModelInput { state, act, member: &member, noise, mode: Mode::Sample };
            let out = ModelOutput { next_state: next.view_mut(), reward: &mut reward, end: &mut end };
            halting.step(input, out, &mut scratch).unwrap();
        };
        step();
        let (_, made) = allocations(step);
        assert_eq!(made.count, 0, "{measure}");
        let states: Vec<f32> = (0..9).map(|i| i as f32).collect();
        let rows = Rows::new(&states, 1).unwrap();
        check_model(&halting, rows, rows).unwrap();
        check_model(&penalized, rows, rows).unwrap();
        // The gauge alone, asked again.
        let gauge = Gauge::new(spec, &[], dynamic).unwrap();
        let (mut out, mut scratch) = (vec![0.0; 9], Scratch::default());
        gauge.measure(dynamic, rows, rows, &mut out, &mut scratch).unwrap();
        let (again, made) = allocations(|| gauge.measure(dynamic, rows, rows, &mut out, &mut scratch));
        again.unwrap();
        assert_eq!(made.count, 0, "{measure}");
    }
}
