//! A finite Markov decision process as a dynamics model.

use crate::question;
use mbrl_core::{
    Context, DynamicsModel, End, Mode, ModelInput, ModelOutput, NoiseSpec, Result, Scratch, Space, TabularMdp,
};

/// Written-out tables as a model of one member: states and actions are columns of indices.
///
/// A successor is drawn from one uniform number of 24 bits by inverting the distribution function, as the finite
/// environments do; in [`Mode::Mean`] it is the likeliest, of several the first. The reward is that of the tables, and
/// entering a terminal state terminates.
#[derive(Clone, Debug, PartialEq)]
pub struct TabularModel {
    mdp: TabularMdp,
    obs: Space,
    act: Space,
    /// Distribution functions of the successors, `[states, actions, states]`.
    cumulative: Vec<f64>,
    /// The likeliest successors, `[states, actions]`.
    likeliest: Vec<u32>,
}

impl TabularModel {
    /// The model that these tables are. There may be no more states or actions than `f32` can count.
    pub fn new(mdp: TabularMdp) -> Result<Self> {
        let space = |n: usize| Space::discrete(u32::try_from(n).unwrap_or(u32::MAX));
        let obs = space(mdp.states()).context("states")?;
        let act = space(mdp.actions()).context("actions")?;
        let moves = || (0..mdp.states()).flat_map(|s| (0..mdp.actions()).map(move |a| (s, a)));
        let mut cumulative = Vec::with_capacity(mdp.states() * mdp.actions() * mdp.states());
        for (s, a) in moves() {
            let row = mdp.transition(s, a);
            // The last that is possible is 1 whatever the rounding, so that an impossible one is never drawn.
            let last = row.iter().rposition(|p| *p > 0.0).unwrap_or(0);
            cumulative.extend(row.iter().enumerate().scan(0.0, |sum, (next, p)| {
                *sum += p;
                Some(if next < last { *sum } else { 1.0 })
            }));
        }
        let likeliest = moves().map(|(s, a)| first_largest(mdp.transition(s, a))).collect();
        Ok(TabularModel { mdp, obs, act, cumulative, likeliest })
    }

    /// The tables.
    pub fn mdp(&self) -> &TabularMdp {
        &self.mdp
    }
}

fn first_largest(probabilities: &[f64]) -> u32 {
    let larger = |best: usize, next: usize| {
        if probabilities[next] > probabilities[best] { next } else { best }
    };
    (0..probabilities.len()).fold(0, larger) as u32
}

impl DynamicsModel for TabularModel {
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
        question::check(self, &input, &out)?;
        let states = self.mdp.states();
        for row in 0..input.state.len() {
            let (state, act) = (input.state.row(row), input.act.row(row));
            if !(self.obs.contains(state) && self.act.contains(act)) {
                self.obs
                    .check("state", state)
                    .and_then(|()| self.act.check("action", act))
                    .with_context(|| format!("member 0, row {row}"))?;
            }
            let (state, act) = (state[0] as usize, act[0] as usize);
            let at = state * self.mdp.actions() + act;
            let next = match input.mode {
                Mode::Sample => {
                    let u = f64::from(input.noise.uniforms.row(row)[0]);
                    let cumulative = &self.cumulative[at * states..(at + 1) * states];
                    cumulative.partition_point(|sum| *sum <= u).min(states - 1)
                }
                Mode::Mean => self.likeliest[at] as usize,
            };
            out.next_state.row_mut(row)[0] = next as f32;
            out.reward[row] = self.mdp.reward(state, act)[next] as f32;
            out.end[row] = if self.mdp.is_terminal(next) { End::Terminated } else { End::Running };
        }
        // Tables are finite in `f64`, and in `f32` they need not be.
        question::check_rewards(out.reward, input.member)
    }
}
