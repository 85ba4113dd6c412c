//! A model with analytic moments, for tests.

use mbrl_core::{
    Dims, DynamicsModel, End, Error, Key, Mode, ModelInput, ModelOutput, MomentsMut, NoiseBuf, NoiseSpec,
    Origin, Result, RowBuf, Rows, RowsMut, Scratch, Spread, Transition, TransitionBatch,
};

/// Linear Gaussian members: column c of the moment has mean gain·s_c + a + shift·w·(c + 1) and standard deviation sigma·w,
/// where w = 1 + growth·(|s₀| + |a|) and the reward, as the last column, takes the s of column 0.
#[derive(Clone, Debug)]
pub(crate) struct Fake {
    pub(crate) state_dim: usize,
    pub(crate) learns_reward: bool,
    pub(crate) members: Vec<Member>,
    /// Whether the moments are NaN, though steps are sound.
    pub(crate) broken_moments: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) gain: f32,
    pub(crate) shift: f32,
    pub(crate) sigma: f32,
    pub(crate) growth: f32,
}

pub(crate) fn member(gain: f32, shift: f32, sigma: f32, growth: f32) -> Member {
    Member { gain, shift, sigma, growth }
}

impl Fake {
    /// One that learns the reward.
    pub(crate) fn of(state_dim: usize, members: Vec<Member>) -> Self {
        Fake { state_dim, learns_reward: true, members, broken_moments: false }
    }
}

impl Member {
    fn width(&self, state: &[f32], act: &[f32]) -> f32 {
        1.0 + self.growth * (state[0].abs() + act[0].abs())
    }

    /// Mean and standard deviation of a column.
    fn moment(&self, state: &[f32], act: &[f32], column: usize) -> (f32, f32) {
        let s = state[if column < state.len() { column } else { 0 }];
        let width = self.width(state, act);
        (self.gain * s + act[0] + self.shift * width * (column + 1) as f32, self.sigma * width)
    }
}

impl DynamicsModel for Fake {
    fn state_dim(&self) -> usize {
        self.state_dim
    }

    fn act_dim(&self) -> usize {
        1
    }

    fn members(&self) -> usize {
        self.members.len()
    }

    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec { normals: self.moment_dim(), uniforms: 0 }
    }

    fn step(&self, input: ModelInput<'_>, mut out: ModelOutput<'_>, _: &mut Scratch) -> Result<()> {
        for (row, &who) in input.member.iter().enumerate() {
            let Some(member) = self.members.get(usize::from(who)) else {
                return Err(Error::invalid(format_args!(
                    "row {row} wants member {who} of {}",
                    self.members.len()
                )));
            };
            let (state, act) = (input.state.row(row), input.act.row(row));
            let draw = |column| {
                let (mean, std) = member.moment(state, act, column);
                match input.mode {
                    Mode::Sample => mean + std * input.noise.normals.row(row)[column],
                    Mode::Mean => mean,
                }
            };
            let next = out.next_state.row_mut(row);
            for (column, next) in next.iter_mut().enumerate() {
                *next = draw(column);
                if !next.is_finite() {
                    return Err(Error::non_finite(format_args!("member {who} leads row {row} to {next}")));
                }
            }
            out.reward[row] = if self.learns_reward { draw(self.state_dim) } else { -next[0].abs() };
            out.end[row] = if next[0] > 100.0 { End::Terminated } else { End::Running };
        }
        Ok(())
    }
}

impl Spread for Fake {
    fn moment_dim(&self) -> usize {
        self.state_dim + usize::from(self.learns_reward)
    }

    fn moments(
        &self,
        state: Rows<'_>,
        act: Rows<'_>,
        mut out: MomentsMut<'_>,
        _: &mut Scratch,
    ) -> Result<()> {
        let dim = self.moment_dim();
        for (member, (mean, variance)) in self.members.iter().zip(out.members_mut()) {
            for (i, (mean, variance)) in mean.iter_mut().zip(variance).enumerate() {
                let (row, column) = (i / dim, i % dim);
                let std;
                (*mean, std) = member.moment(state.row(row), act.row(row), column);
                *variance = if self.broken_moments { f32::NAN } else { std * std };
            }
        }
        Ok(())
    }
}

/// Transitions that `reference/diagnostics.py` makes as well.
pub(crate) fn recorded(obs: usize, rows: usize) -> TransitionBatch {
    let mut data = TransitionBatch::new(Dims { obs, act: 1 });
    for i in 0..rows {
        let number = |times: usize, and: usize, modulus: usize, c: usize| {
            ((times * i + and * c) % modulus) as f32 / 8.0 - 1.0
        };
        let (from, to): (Vec<f32>, Vec<f32>) =
            (0..obs).map(|c| (number(5, 3, 13, c), number(7, 2, 17, c))).unzip();
        data.push(Transition {
            obs: &from,
            act: &[number(3, 0, 5, 0)],
            next_obs: &to,
            reward: number(11, 0, 9, 0),
            end: End::Running,
            origin: Origin::World,
        });
    }
    data
}

/// Transitions that member 0 of `world` makes, one episode of them.
pub(crate) fn played(world: &Fake, rows: usize, mode: Mode, key: Key) -> TransitionBatch {
    let dims = Dims { obs: world.state_dim, act: 1 };
    let (mut data, mut noise) = (TransitionBatch::new(dims), NoiseBuf::default());
    let mut state: Vec<f32> = (0..dims.obs).map(|c| c as f32 / 4.0).collect();
    let mut next = RowBuf::zeros(1, dims.obs);
    for t in 0..rows {
        let act = [key.child("policy").at(t as u64).uniform() - 0.5];
        noise.fill(world.noise_spec(), 1, key.child("world").at(t as u64));
        let (mut reward, mut end) = ([0.0], [End::Running]);
        let (from, act) = (Rows::single(&state), Rows::single(&act));
        let input = ModelInput { state: from, act, member: &[0], noise: noise.view(), mode };
        let out = ModelOutput { next_state: next.view_mut(), reward: &mut reward, end: &mut end };
        world.step(input, out, &mut Scratch::default()).unwrap();
        data.push(Transition {
            obs: &state,
            act: act.row(0),
            next_obs: next.row(0),
            reward: reward[0],
            end: end[0],
            origin: Origin::World,
        });
        state.copy_from_slice(next.row(0));
    }
    data
}

/// What a model answers, in bits.
#[derive(Debug, PartialEq)]
pub(crate) struct Trace {
    pub(crate) next: Vec<u32>,
    pub(crate) reward: Vec<u32>,
    pub(crate) end: Vec<End>,
}

impl Trace {
    /// The states and actions that [`Trace::of`] asks for; row `bad` has a NaN in it.
    pub(crate) fn asked(model: &dyn DynamicsModel, rows: usize, bad: Option<usize>) -> (RowBuf, RowBuf) {
        let (mut state, mut act) = (RowBuf::new(model.state_dim()), RowBuf::new(1));
        for i in 0..rows {
            let row: Vec<f32> =
                (0..model.state_dim()).map(|c| ((5 * i + c) % 17) as f32 / 4.0 - 2.0).collect();
            state.push(&row);
            act.push(&[(i % 3) as f32 / 8.0]);
        }
        if let Some(bad) = bad {
            state.row_mut(bad)[0] = f32::NAN;
        }
        (state, act)
    }

    pub(crate) fn of(model: &dyn DynamicsModel, rows: usize, bad: Option<usize>) -> Result<Self> {
        let (state, act) = Trace::asked(model, rows, bad);
        let member: Vec<u16> = (0..rows).map(|i| (i % model.members()) as u16).collect();
        let mut noise = NoiseBuf::default();
        noise.fill(model.noise_spec(), rows, Key::root(1));
        let mut next = RowBuf::zeros(rows, model.state_dim());
        let (mut reward, mut end) = (vec![0.0; rows], vec![End::Running; rows]);
        let input = ModelInput {
            state: state.view(),
            act: act.view(),
            member: &member,
            noise: noise.view(),
            mode: Mode::Sample,
        };
        let out = ModelOutput { next_state: next.view_mut(), reward: &mut reward, end: &mut end };
        model.step(input, out, &mut Scratch::default())?;
        let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect();
        Ok(Trace { next: bits(next.as_slice()), reward: bits(&reward), end })
    }
}

/// The model that `reference/diagnostics.py` judges. Four members and dyadic numbers make averages exact, so that what is
/// equal there is equal here.
pub(crate) fn four_members() -> Fake {
    Fake::of(
        2,
        vec![
            member(0.5, 0.25, 0.5, 0.5),
            member(0.75, -0.125, 0.25, 1.0),
            member(0.25, 0.0, 1.0, 0.25),
            member(0.5, -0.25, 0.75, 0.0),
        ],
    )
}

/// The same model for who observes half of each state, and a number that says nothing.
#[derive(Clone, Debug)]
pub(crate) struct Encoded(pub(crate) Fake);

impl Encoded {
    /// What is observed of transitions between states.
    pub(crate) fn observed(states: &TransitionBatch) -> TransitionBatch {
        let mut data = TransitionBatch::new(Dims { obs: states.dims().obs + 1, act: 1 });
        let half = |state: &[f32], i: usize| {
            let idle = [(i % 3) as f32];
            state.iter().map(|x| x / 2.0).chain(idle).collect::<Vec<_>>()
        };
        for (i, transition) in states.iter().enumerate() {
            let (obs, next_obs) = (half(transition.obs, i), half(transition.next_obs, i + 1));
            data.push(Transition { obs: &obs, next_obs: &next_obs, ..transition });
        }
        data
    }
}

impl DynamicsModel for Encoded {
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

    fn obs_dim(&self) -> usize {
        self.0.state_dim() + 1
    }

    fn encode(&self, obs: Rows<'_>, mut state: RowsMut<'_>, _: &mut Scratch) -> Result<()> {
        for (row, obs) in obs.iter().enumerate() {
            state.row_mut(row).iter_mut().zip(obs).for_each(|(state, obs)| *state = 2.0 * obs);
        }
        Ok(())
    }
}

impl Spread for Encoded {
    fn moment_dim(&self) -> usize {
        self.0.moment_dim()
    }

    fn moments(
        &self,
        state: Rows<'_>,
        act: Rows<'_>,
        out: MomentsMut<'_>,
        scratch: &mut Scratch,
    ) -> Result<()> {
        self.0.moments(state, act, out, scratch)
    }
}
