//! Imagination in a finite world, against dynamic programming.

use super::rollout;
use crate::{Acting, Returns, Rollout, Workspace};
use mbrl_core::{
    DynamicsModel, End, Key, Mode, ModelInput, ModelOutput, NoiseSpec, Result, Rows, Scratch, Space, Spec,
    TabularMdp, UniformPolicy,
};

/// A table as a model: the state is its number.
struct Tables(TabularMdp);

impl DynamicsModel for Tables {
    fn state_dim(&self) -> usize {
        1
    }
    fn act_dim(&self) -> usize {
        1
    }
    fn members(&self) -> usize {
        1
    }
    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec { normals: 0, uniforms: 1 }
    }
    fn step(&self, input: ModelInput<'_>, mut out: ModelOutput<'_>, _: &mut Scratch) -> Result<()> {
        for i in 0..input.state.len() {
            let (s, a) = (input.state.row(i)[0] as usize, input.act.row(i)[0] as usize);
            let mut left = f64::from(input.noise.uniforms.row(i)[0]);
            let next = self.0.transition(s, a).iter().position(|p| {
                left -= p;
                left < 0.0
            });
            let next = next.unwrap_or(self.0.states() - 1);
            out.next_state.row_mut(i)[0] = next as f32;
            out.reward[i] = self.0.reward(s, a)[next] as f32;
            out.end[i] = if self.0.is_terminal(next) { End::Terminated } else { End::Running };
        }
        Ok(())
    }
}

#[test]
fn rollouts_of_a_tabular_mdp_agree_with_dynamic_programming() {
    // Two states and a terminal one; both actions everywhere.
    let p = [
        [0.6, 0.3, 0.1],
        [0.1, 0.8, 0.1], // from 0
        [0.5, 0.4, 0.1],
        [0.2, 0.2, 0.6], // from 1
        [0.0, 0.0, 1.0],
        [0.0, 0.0, 1.0],
    ];
    let r = [[1.0, 0.0, -1.0], [0.5, 0.2, 2.0], [0.0, 1.0, 0.0], [3.0, -1.0, 0.4], [0.0; 3], [0.0; 3]];
    let (p, r) = (p.concat(), r.concat());
    let mdp = TabularMdp::new(2, p, r, vec![1.0, 0.0, 0.0], vec![false, false, true]).unwrap();
    let (horizon, gamma) = (12, 0.9);
    // The uniform policy, evaluated backwards.
    let mut value = [0.0; 3];
    for _ in 0..horizon {
        let mut now = [0.0; 3];
        for (s, now) in now.iter_mut().enumerate().take(2) {
            for a in 0..2 {
                let row = mdp.transition(s, a).iter().zip(mdp.reward(s, a)).zip(value);
                *now += 0.5 * row.map(|((p, r), v)| p * (r + gamma * v)).sum::<f64>();
            }
        }
        value = now;
    }
    let spec = Spec::new(Space::discrete(3).unwrap(), Space::discrete(2).unwrap());
    let (model, policy, n) = (Tables(mdp), UniformPolicy::new(&spec).unwrap(), 200_000);
    let rollout = Rollout { replicas: n, ..rollout(&model, horizon) };
    let mut workspace = Workspace::new(Returns::new(gamma).unwrap());
    let acting = Acting::Policy { policy: &policy, mode: Mode::Sample };
    rollout.run(Rows::single(&[0.0]), acting, Key::root(8), &mut workspace).unwrap();
    let sums = || workspace.sinks().flat_map(|sink| sink.sums());
    let mean = sums().sum::<f64>() / n as f64;
    let deviation = (sums().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64).sqrt();
    // A normal mean is more than 5.5 standard errors off with probability 3.8e-8.
    let error = deviation / (n as f64).sqrt();
    assert!((mean - value[0]).abs() < 5.5 * error, "{mean} for {} ± {error}", value[0]);
    assert!(error < 0.01, "the test would see a difference of a hundredth");
}
